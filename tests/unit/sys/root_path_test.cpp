#include "sys/root_path.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "tests/harness/forked.hpp"

namespace fs = std::filesystem;
using namespace ocx;
using test::in_mount_namespace;

namespace {

// A root with links of every kind, below a directory that must never be reached.
void make_root() {
  fs::create_directories("/mnt/root/dir/sub");
  fs::create_directories("/mnt/outside");
  std::ofstream("/mnt/outside/secret") << "secret";
  std::ofstream("/mnt/root/dir/file") << "file";
  std::ofstream("/mnt/root/secret") << "inner";
  fs::create_symlink("dir", "/mnt/root/relative");
  fs::create_symlink("/dir/sub", "/mnt/root/absolute");
  fs::create_symlink("../../../outside", "/mnt/root/up");
  fs::create_symlink("/mnt/outside", "/mnt/root/out");
  fs::create_symlink("/missing/place", "/mnt/root/dangling");
  fs::create_symlink("loop", "/mnt/root/loop");
  fs::create_symlink("../relative/../secret", "/mnt/root/dir/back");
  std::string previous = "dir";
  for (int i = 0; i < 45; ++i) {
    fs::create_symlink(previous, "/mnt/root/chain" + std::to_string(i));
    previous = "chain" + std::to_string(i);
  }
}

sys::UniqueFd open_dir(const char* path) {
  return sys::openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

struct Row {
  const char* path;
  int flags;
  int error;
  const char* same_as;  // below /mnt/root
};
const Row table[] = {
    {"/", O_PATH, 0, ""},
    {"..", O_PATH, 0, ""},
    {"/../../..", O_PATH | O_DIRECTORY, 0, ""},
    {".", O_RDONLY, 0, ""},
    {"", O_PATH, ENOENT, ""},
    {"dir/file", O_RDONLY, 0, "dir/file"},
    {"/dir//./sub/../file", O_PATH, 0, "dir/file"},
    {"relative/file", O_RDONLY, 0, "dir/file"},
    {"relative", O_PATH, 0, "dir"},
    {"relative", O_PATH | O_DIRECTORY, 0, "dir"},
    {"relative", O_PATH | O_DIRECTORY | O_NOFOLLOW, ENOTDIR, ""},
    {"relative", O_RDONLY | O_NOFOLLOW, ELOOP, ""},
    {"relative", O_PATH | O_NOFOLLOW, 0, "relative"},
    {"relative/", O_PATH | O_NOFOLLOW, 0, "dir"},
    {"absolute", O_PATH, 0, "dir/sub"},
    {"absolute/../file", O_RDONLY, 0, "dir/file"},
    {"up/secret", O_RDONLY, ENOENT, ""},
    {"out/secret", O_RDONLY, ENOENT, ""},
    {"../../outside/secret", O_RDONLY, ENOENT, ""},
    {"../secret", O_RDONLY, 0, "secret"},
    {"dir/back", O_RDONLY, 0, "secret"},
    {"dangling", O_PATH, ENOENT, ""},
    {"dangling", O_PATH | O_NOFOLLOW, 0, "dangling"},
    {"loop", O_PATH, ELOOP, ""},
    {"loop/x", O_PATH, ELOOP, ""},
    {"chain30/file", O_PATH, 0, "dir/file"},
    {"chain44", O_PATH, ELOOP, ""},
    {"dir/file/x", O_PATH, ENOTDIR, ""},
    {"dir/file/", O_PATH, ENOTDIR, ""},
    {"dir/file", O_PATH | O_DIRECTORY, ENOTDIR, ""},
    {"missing/x", O_PATH, ENOENT, ""},
};

void check_table(bool by_kernel) {
  make_root();
  sys::UniqueFd root = open_dir("/mnt/root");
  for (const Row& row : table) {
    sys::FdResult fd = by_kernel ? sys::try_open_in_root(root, row.path, row.flags)
                                 : sys::walk_in_root(root, row.path, row.flags);
    const std::string name = std::string("\"") + row.path + "\" flags " + std::to_string(row.flags) + ": ";
    if (fd.error_number != row.error)
      throw std::runtime_error(name + "errno " + std::to_string(fd.error_number) + ", not " +
                               std::to_string(row.error));
    if (row.error != 0) continue;
    struct ::stat wanted {};
    ::lstat((std::string("/mnt/root/") + row.same_as).c_str(), &wanted);
    if (*row.same_as == '\0') ::stat("/mnt/root", &wanted);
    if (sys::fstat(fd.fd).st_ino != wanted.st_ino) throw std::runtime_error(name + "another file");
  }
}

// A process that exchanges `a` and `b` without pause until it is killed.
class Racer {
 public:
  Racer(const char* a, const char* b) : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
  }
  ~Racer() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("paths resolve inside the root, by openat2 and by the walk alike") {
  CHECK(in_mount_namespace([] { check_table(true); }) == "ok");
  CHECK(in_mount_namespace([] { check_table(false); }) == "ok");
  CHECK(in_mount_namespace([] {
          test::hide_system_calls({SYS_openat2});
          check_table(true);
        }) == "ok");
}

TEST_CASE("magic links of procfs are not followed") {
  for (bool by_kernel : {true, false})
    CHECK(in_mount_namespace([&] {
            fs::create_directories("/mnt/root/proc");
            EXPECT(::mount("proc", "/mnt/root/proc", "proc", 0, nullptr) == 0);
            sys::UniqueFd root = open_dir("/mnt/root");
            const auto open = [&](const char* path, int flags) {
              return by_kernel ? sys::try_open_in_root(root, path, flags)
                               : sys::walk_in_root(root, path, flags);
            };
            for (const char* path : {"/proc/self/root/etc", "/proc/self/root", "/proc/self/cwd",
                                     "/proc/self/exe", "/proc/self/fd/0", "/proc/thread-self/root"})
              EXPECT(open(path, O_PATH).error_number == ELOOP);
            EXPECT(open("/proc/self/status", O_RDONLY));
            EXPECT(open("/proc/mounts", O_RDONLY));
          }) == "ok");
}

TEST_CASE("missing directories are made inside the root") {
  CHECK(in_mount_namespace([] {
          make_root();
          sys::UniqueFd root = open_dir("/mnt/root");
          ::umask(077);
          sys::make_directories_in_root(root, "/a/b/c");
          EXPECT(fs::is_directory("/mnt/root/a/b/c"));
          EXPECT((fs::status("/mnt/root/a").permissions() & fs::perms::mask) == fs::perms(0755));
          sys::make_directories_in_root(root, "/dangling/deep", 0700);
          EXPECT(fs::is_directory("/mnt/root/missing/place/deep"));
          sys::make_directories_in_root(root, "/up/new");
          EXPECT(fs::is_directory("/mnt/root/outside/new"));
          sys::make_directories_in_root(root, "/out/new");
          EXPECT(fs::is_directory("/mnt/root/mnt/outside/new"));
          EXPECT(!fs::exists("/mnt/outside/new"));
          for (const char* path : {"/dir/file", "/dir/file/x", "/loop/x"}) {
            bool refused = false;
            try {
              sys::make_directories_in_root(root, path);
            } catch (const Error&) {
              refused = true;
            }
            EXPECT(refused);
          }
        }) == "ok");
}

TEST_CASE("mount targets are made as the source needs them") {
  CHECK(in_mount_namespace([] {
          make_root();
          sys::UniqueFd root = open_dir("/mnt/root");
          EXPECT(S_ISREG(sys::fstat(sys::open_mount_target(root, "/new/dir/file", true)).st_mode));
          EXPECT(fs::is_regular_file("/mnt/root/new/dir/file"));
          EXPECT(S_ISDIR(sys::fstat(sys::open_mount_target(root, "/new/other", false)).st_mode));
          EXPECT(S_ISREG(sys::fstat(sys::open_mount_target(root, "/dangling", true)).st_mode));
          EXPECT(fs::is_regular_file("/mnt/root/missing/place"));
          EXPECT(S_ISLNK(sys::fstat(sys::open_mount_target(root, "/relative", true, true)).st_mode));
          EXPECT(S_ISDIR(sys::fstat(sys::open_mount_target(root, "/fresh", false, true)).st_mode));
          fs::create_symlink("/elsewhere", "/mnt/root/link");
          int error = 0;
          try {
            sys::open_mount_target(root, "/link", false, true);
          } catch (const Error& e) {
            error = e.error_number();
          }
          EXPECT(error == ENOTDIR);
          EXPECT(!fs::exists("/mnt/root/elsewhere"));
        }) == "ok");
}

TEST_CASE("the parent of a path, and what has none") {
  CHECK(in_mount_namespace([] {
          make_root();
          sys::UniqueFd root = open_dir("/mnt/root");
          sys::Parent parent = sys::open_parent_in_root(root, "/relative/new/name");
          EXPECT(parent.name == "name");
          EXPECT(fs::is_directory("/mnt/root/dir/new"));
          EXPECT(sys::open_parent_in_root(root, "name/").name == "name");
          for (const char* path : {"", "/", "/dir/..", "/dir/."}) {
            bool refused = false;
            try {
              sys::open_parent_in_root(root, path);
            } catch (const Error&) {
              refused = true;
            }
            EXPECT(refused);
          }
        }) == "ok");
}

TEST_CASE("a directory exchanged with a link to / leads nowhere outside, however often") {
  for (bool by_kernel : {true, false})
    CHECK(in_mount_namespace([&] {
            fs::create_directories("/mnt/root/volume/dir");
            fs::create_directories("/mnt/root/mnt/outside");
            fs::create_directories("/mnt/outside");
            fs::create_symlink("/mnt/outside", "/mnt/root/volume/link");
            sys::UniqueFd root = open_dir("/mnt/root");
            Racer racer("/mnt/root/volume/dir", "/mnt/root/volume/link");
            if (!by_kernel) test::hide_system_calls({SYS_openat2});
            int through_link = 0, through_directory = 0;
            for (int i = 0; i < 3000; ++i) {
              const std::string name = "n" + std::to_string(i);
              sys::UniqueFd made = sys::make_directories_in_root(root, "/volume/dir/" + name);
              struct ::stat inner {};
              const bool linked = ::stat(("/mnt/root/mnt/outside/" + name).c_str(), &inner) == 0 &&
                                  inner.st_ino == sys::fstat(made).st_ino;
              ++(linked ? through_link : through_directory);
            }
            EXPECT(fs::is_empty("/mnt/outside"));
            EXPECT(through_link > 0);
            EXPECT(through_directory > 0);
          }) == "ok");
}

TEST_CASE("a racer can't put a mount outside of the root") {
  CHECK(in_mount_namespace([] {
          fs::create_directories("/mnt/root/volume/dir/target");
          fs::create_directories("/mnt/outside/target");
          fs::create_directories("/mnt/root/mnt/outside/target");
          fs::create_symlink("/mnt/outside", "/mnt/root/volume/link");
          sys::UniqueFd root = open_dir("/mnt/root");
          Racer racer("/mnt/root/volume/dir", "/mnt/root/volume/link");
          for (int i = 0; i < 300; ++i) {
            sys::UniqueFd target = sys::open_mount_target(root, "/volume/dir/target", false);
            sys::UniqueFd tree = sys::open_tree(sys::FdRef::cwd(), "/etc", OPEN_TREE_CLONE);
            sys::move_mount(tree, target);
            EXPECT(fs::is_empty("/mnt/outside/target"));
          }
        }) == "ok");
}
