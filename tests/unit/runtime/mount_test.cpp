#include <catch2/catch.hpp>
#include <linux/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/unit/runtime/test_init.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::step::Mount;

namespace {

// What older kernels lack: before 5.2, before 5.12, and nothing.
const std::vector<std::vector<long>> kernels{
    {},
    {SYS_mount_setattr, SYS_openat2},
    {SYS_fsopen, SYS_open_tree, SYS_move_mount, SYS_fspick, SYS_mount_setattr, SYS_openat2},
};

std::string on_kernel(const std::vector<long>& missing, const std::function<void(TestInit&)>& body) {
  return in_mount_namespace([&] {
    if (!missing.empty()) hide_system_calls(missing);
    TestInit init;
    init.attach();
    body(init);
  });
}

}  // namespace

TEST_CASE("a tmpfs has the options asked for") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            init.run(
                make_mount("tmpfs", "shm", "/run/made/shm",
                           {"nosuid", "noexec", "nodev", "strictatime", "mode=1777", "size=64k", "sync"}));
            MountInfo info = mount_at("/mnt/root/run/made/shm");
            EXPECT(info.found);
            EXPECT(info.type == "tmpfs");
            EXPECT(info.source == "shm");
            EXPECT(info.has("nosuid") && info.has("noexec") && info.has("nodev") && !info.has("relatime"));
            EXPECT(contains(info.superblock, "size=64k"));
            EXPECT(contains(info.superblock, "sync"));
            EXPECT((lstat_of("/mnt/root/run/made/shm").st_mode & 07777) == 01777);
          }) == "ok");
}

TEST_CASE("a tmpfs takes the mode of the directory it covers") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            fs::create_directory("/mnt/root/private");
            ::chmod("/mnt/root/private", 03711);
            init.run(make_mount("tmpfs", "", "/private"));
            EXPECT(mount_at("/mnt/root/private").found);
            EXPECT((lstat_of("/mnt/root/private").st_mode & 07777) == 03711);
          }) == "ok");
}

TEST_CASE("an option the kernel does not take is named, with its place") {
  CHECK(on_kernel({}, [](TestInit& init) {
          std::string error =
              init.error_of(make_mount("tmpfs", "tmpfs", "/run", {"nosuid", "size=1m", "sizee=1m"}));
          EXPECT(contains(error, "mount \"tmpfs\" on \"/run\": invalid option \"sizee=1m\""));
          EXPECT(contains(error, "Unknown parameter"));
          EXPECT(contains(error, "(/mounts/4/options/2)"));
          EXPECT(contains(init.error_of(make_mount("tmpfs", "tmpfs", "/run", {"size=much"})), "size=much"));
          EXPECT(contains(init.error_of(make_mount("nofs", "nofs", "/run")), "mount \"nofs\" on \"/run\""));
        }) == "ok");
}

TEST_CASE("the kernel's file systems mount, proc and sysfs on plain directories only") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            init.run(make_mount("proc", "proc", "/proc", {"nosuid", "noexec", "nodev", "hidepid=2"}));
            init.run(make_mount("sysfs", "sysfs", "/sys", {"ro", "nosuid"}));
            init.run(make_mount("tmpfs", "tmpfs", "/dev", {"nosuid", "mode=755"}));
            init.run(make_mount("devpts", "devpts", "/dev/pts",
                                {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
            init.run(make_mount("mqueue", "mqueue", "/dev/mqueue", {"nosuid"}));
            EXPECT(mount_at("/mnt/root/proc").has("noexec"));
            EXPECT(contains(mount_at("/mnt/root/proc").superblock, "hidepid"));
            EXPECT(mount_at("/mnt/root/sys").has("ro"));
            EXPECT(contains(mount_at("/mnt/root/dev/pts").superblock, "gid=5"));
            EXPECT(lstat_of("/mnt/root/dev/pts/ptmx").st_rdev == makedev(5, 2));
            EXPECT(mount_at("/mnt/root/dev/mqueue").type == "mqueue");
          }) == "ok");
  for (const char* type : {"proc", "sysfs"})
    for (const char* link : {"/evil", "evil", "../../..", "/missing", "/mnt/outside"})
      CHECK(on_kernel({}, [&](TestInit& init) {
              fs::create_directories("/mnt/outside");
              fs::create_directories("/mnt/root/evil");
              const std::string place = std::string("/") + (std::string(type) == "proc" ? "proc" : "sys");
              fs::create_symlink(link, "/mnt/root" + place);
              EXPECT(contains(init.error_of(make_mount(type, type, place)),
                              "must be mounted on ordinary directory"));
              EXPECT(!fs::exists("/mnt/root/evil/cmdline"));
              EXPECT(fs::is_empty("/mnt/outside"));
            }) == "ok");
}

TEST_CASE("nothing is mounted over / or inside /proc") {
  CHECK(on_kernel({}, [](TestInit& init) {
          EXPECT(contains(init.error_of(make_mount("tmpfs", "tmpfs", "/")), "over \"/\""));
          EXPECT(contains(init.error_of(make_mount("tmpfs", "tmpfs", "/proc")), "only a proc file system"));
          EXPECT(
              contains(init.error_of(make_mount("", "/etc", "/proc", {"bind"})), "only a proc file system"));
          init.run(make_mount("proc", "proc", "/proc"));
          EXPECT(contains(init.error_of(make_mount("tmpfs", "tmpfs", "/proc/self/attr")), "inside /proc"));
          EXPECT(contains(init.error_of(make_mount("", "/etc", "/proc/sys", {"bind"})), "inside /proc"));
          fs::create_symlink("/proc/sys", "/mnt/root/data");
          EXPECT(contains(init.error_of(make_mount("tmpfs", "tmpfs", "/data")), "inside /proc"));
          EXPECT(contains(init.error_of(make_mount("", "/etc", "/data", {"bind"})), "inside /proc"));
          std::ofstream("/mnt/cpuinfo") << "one cpu";
          init.run(make_mount("", "/mnt/cpuinfo", "/proc/cpuinfo", {"bind", "ro"}));
          EXPECT(fs::file_size("/mnt/root/proc/cpuinfo") == 7);
          init.run(make_mount("", "/proc", "/proc", {"rbind"}));
        }) == "ok");
}

TEST_CASE("bind mounts of directories and files, with flags") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            fs::create_directories("/mnt/volume/below");
            std::ofstream("/mnt/volume/file") << "x";
            EXPECT(::mount("tmpfs", "/mnt/volume/below", "tmpfs", MS_NOEXEC, nullptr) == 0);
            init.run(make_mount("", "/mnt/volume", "/a/volume", {"rbind", "ro", "nosuid"}));
            MountInfo top = mount_at("/mnt/root/a/volume"), below = mount_at("/mnt/root/a/volume/below");
            EXPECT(top.has("ro") && top.has("nosuid"));
            EXPECT(below.found && below.has("rw") && below.has("noexec"));
            EXPECT(!mount_at("/mnt/volume").has("ro"));
            init.run(make_mount("", "/mnt/volume", "/flat", {"bind"}));
            EXPECT(fs::is_empty("/mnt/root/flat/below"));
            EXPECT(mount_at("/mnt/root/flat").has("rw"));
            init.run(make_mount("", "/mnt/volume/file", "/etc/made/file", {"bind", "ro", "noexec"}));
            EXPECT(fs::file_size("/mnt/root/etc/made/file") == 1);
            EXPECT(mount_at("/mnt/root/etc/made/file").has("noexec"));
            init.run(make_mount("", "/mnt/volume/below", "/exec", {"bind", "exec"}));
            EXPECT(!mount_at("/mnt/root/exec").has("noexec"));
          }) == "ok");
}

TEST_CASE("bind mounts that can't be say why") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            fs::create_directories("/mnt/root/dir");
            std::ofstream("/mnt/file") << "x";
            std::ofstream("/mnt/root/plain") << "x";
            std::string error = init.error_of(make_mount("", "/mnt/nowhere", "/dir", {"bind"}));
            EXPECT(contains(error, "\"/mnt/nowhere\""));
            EXPECT(contains(error, "no such file or directory (/mounts/4)"));
            EXPECT(
                contains(init.error_of(make_mount("", "/mnt/file", "/dir", {"bind"})), ": not a directory"));
            EXPECT(contains(init.error_of(make_mount("", "/etc", "/plain", {"bind"})), ": not a directory"));
          }) == "ok");
}

TEST_CASE("recursive attributes go down the tree, ro with rbind does not") {
  CHECK(on_kernel({}, [](TestInit& init) {
          fs::create_directories("/mnt/volume/below");
          EXPECT(::mount("tmpfs", "/mnt/volume", "tmpfs", MS_NODEV, nullptr) == 0);
          fs::create_directories("/mnt/volume/below");
          EXPECT(::mount("tmpfs", "/mnt/volume/below", "tmpfs", MS_NODEV, nullptr) == 0);
          struct Row {
            const char *option, *word;
            bool set;
          };
          for (const Row& row :
               {Row{"rro", "ro", true}, Row{"rnosuid", "nosuid", true}, Row{"rdev", "nodev", false},
                Row{"rnoexec", "noexec", true}, Row{"rnoatime", "noatime", true},
                Row{"rnodiratime", "nodiratime", true}, Row{"rnosymfollow", "nosymfollow", true},
                Row{"rstrictatime", "relatime", false}}) {
            const std::string target = std::string("/") + row.option;
            init.run(make_mount("", "/mnt/volume", target, {"rbind", row.option}));
            EXPECT(mount_at("/mnt/root" + target).has(row.word) == row.set);
            EXPECT(mount_at("/mnt/root" + target + "/below").has(row.word) == row.set);
          }
        }) == "ok");
  CHECK(on_kernel(kernels[1], [](TestInit& init) {
          EXPECT(contains(init.error_of(make_mount("", "/etc", "/x", {"rbind", "rro"})), "Linux 5.12"));
        }) == "ok");
}

TEST_CASE("propagation options, each on the attached mount") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            fs::create_directories("/mnt/shared");
            EXPECT(::mount("tmpfs", "/mnt/shared", "tmpfs", 0, nullptr) == 0);
            EXPECT(::mount(nullptr, "/mnt/shared", nullptr, MS_SHARED, nullptr) == 0);
            init.run(make_mount("", "/mnt/shared", "/s", {"rbind", "rshared"}));
            init.run(make_mount("", "/mnt/shared", "/l", {"rbind", "rslave"}));
            init.run(make_mount("", "/mnt/shared", "/p", {"rbind", "rprivate", "ro"}));
            init.run(make_mount("tmpfs", "tmpfs", "/u", {"unbindable"}));
            init.run(make_mount("", "/mnt/shared", "/b", {"bind", "slave", "shared"}));
            EXPECT(contains(mount_at("/mnt/root/s").optional, "shared:"));
            EXPECT(contains(mount_at("/mnt/root/l").optional, "master:"));
            EXPECT(mount_at("/mnt/root/p").optional.empty());
            EXPECT(mount_at("/mnt/root/p").has("ro"));
            EXPECT(contains(mount_at("/mnt/root/u").optional, "unbindable"));
            EXPECT(contains(mount_at("/mnt/root/b").optional, "shared:"));
            EXPECT(contains(mount_at("/mnt/root/b").optional, "master:"));
            // Below a shared mount a new one becomes a peer of its copies; the option has the last word.
            fs::create_directories("/mnt/shared/inner");
            init.run(make_mount("tmpfs", "tmpfs", "/s/inner", {"private"}));
            EXPECT(mount_at("/mnt/root/s/inner").optional.empty());
          }) == "ok");
}

TEST_CASE("links at source and destination: followed inside, or not at all") {
  CHECK(on_kernel({}, [](TestInit& init) {
          fs::create_directories("/mnt/volume");
          fs::create_directories("/mnt/outside");
          std::ofstream("/mnt/volume/inside") << "x";
          fs::create_symlink("/mnt/volume", "/mnt/link");
          fs::create_symlink("/mnt/outside", "/mnt/root/out");
          init.run(make_mount("", "/mnt/link", "/out", {"bind"}));
          EXPECT(fs::is_empty("/mnt/outside"));
          EXPECT(fs::exists("/mnt/root/mnt/outside/inside"));
          init.run(make_mount("", "/mnt/link", "/copied", {"bind", "copy-symlink"}));
          EXPECT(fs::read_symlink("/mnt/root/copied") == "/mnt/volume");
          EXPECT(!mount_at("/mnt/root/copied").found);
          init.run(make_mount("", "/mnt/link", "/copied", {"bind", "copy-symlink"}));
          init.run(make_mount("", "/mnt/link", "/itself", {"bind", "src-nofollow"}));
          EXPECT(mount_at("/mnt/root/itself").found);
          EXPECT(S_ISLNK(lstat_of("/mnt/root/itself").st_mode));
          std::ofstream("/mnt/file") << "file";
          fs::create_symlink("/mnt/outside", "/mnt/root/covered");
          init.run(make_mount("", "/mnt/file", "/covered", {"bind", "dest-nofollow"}));
          EXPECT(mount_at("/mnt/root/covered").found);
          EXPECT(fs::is_empty("/mnt/outside"));
        }) == "ok");
}

TEST_CASE("remount changes flags and the superblock") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            init.run(make_mount("tmpfs", "tmpfs", "/t", {"nosuid", "size=64k"}));
            init.run(make_mount("", "", "/t", {"remount", "ro", "noexec"}));
            MountInfo info = mount_at("/mnt/root/t");
            EXPECT(info.has("ro") && info.has("noexec") && info.has("nosuid"));
            init.run(make_mount("", "", "/t", {"remount", "rw", "size=128k"}));
            EXPECT(mount_at("/mnt/root/t").has("rw"));
            EXPECT(mount_at("/mnt/root/t").has("nosuid"));
            EXPECT(contains(mount_at("/mnt/root/t").superblock, "size=128k"));
            fs::create_directories("/mnt/root/plain");
            EXPECT(contains(init.error_of(make_mount("", "", "/plain", {"remount", "ro"})),
                            "remount \"/plain\""));
          }) == "ok");
}

TEST_CASE("tmpcopyup copies everything and follows nothing") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            const std::string from = "/mnt/root/var";
            fs::create_directories(from + "/dir/deep");
            std::ofstream("/mnt/secret") << "secret";
            std::ofstream(from + "/dir/deep/file") << std::string(100'000, 'x');
            std::ofstream(from + "/suid") << "s";
            ::chown((from + "/suid").c_str(), 12, 34);
            ::chmod((from + "/suid").c_str(), 06755);
            fs::create_symlink("/mnt/secret", from + "/link");
            ::mkfifo((from + "/fifo").c_str(), 0640);
            ::mknod((from + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3));
            ::setxattr((from + "/suid").c_str(), "trusted.test", "v", 1, 0);
            const struct ::timespec times[2] = {{1000, 5}, {2000, 7}};
            ::utimensat(AT_FDCWD, (from + "/dir").c_str(), times, 0);
            ::chown((from + "/dir").c_str(), 56, 78);
            ::chown(from.c_str(), 90, 91);
            ::chmod(from.c_str(), 02750);
            init.run(make_mount("tmpfs", "tmpfs", "/var", {"tmpcopyup", "ro", "nosuid"}));
            MountInfo info = mount_at(from);
            EXPECT(info.found && info.has("ro") && info.has("nosuid"));
            EXPECT(fs::file_size(from + "/dir/deep/file") == 100'000);
            struct ::stat suid = lstat_of(from + "/suid"), dir = lstat_of(from + "/dir"),
                          root = lstat_of(from);
            EXPECT((suid.st_mode & 07777) == 06755 && suid.st_uid == 12 && suid.st_gid == 34);
            EXPECT(dir.st_uid == 56 && dir.st_gid == 78 && dir.st_mtim.tv_sec == 2000 &&
                   dir.st_mtim.tv_nsec == 7);
            EXPECT((root.st_mode & 07777) == 02750 && root.st_uid == 90 && root.st_gid == 91);
            EXPECT(fs::read_symlink(from + "/link") == "/mnt/secret");
            EXPECT(S_ISFIFO(lstat_of(from + "/fifo").st_mode));
            EXPECT(lstat_of(from + "/null").st_rdev == makedev(1, 3));
            char value[8];
            EXPECT(::getxattr((from + "/suid").c_str(), "trusted.test", value, sizeof value) == 1);
          }) == "ok");
}

TEST_CASE("a tmpfs on /dev is filled before anybody sees it") {
  for (const auto& missing : kernels)
    CHECK(on_kernel(missing, [](TestInit& init) {
            ::umask(077);
            Mount dev = make_mount("tmpfs", "tmpfs", "/dev", {"nosuid", "mode=755"});
            dev.devices = {
                {.type = 'c', .path = "/dev/null", .device = makedev(1, 3), .mode = 0666, .origin = ""},
                {.type = 'p', .path = "/dev/pipe", .mode = 0604, .uid = 7, .gid = 8, .origin = ""},
                {.type = 'c', .path = "/dev/net/tun", .device = makedev(10, 200), .mode = 0666, .origin = ""},
                {.type = 'c',
                 .path = "/dev/zero",
                 .device = makedev(1, 5),
                 .mode = 0666,
                 .bind = true,
                 .origin = ""}};
            dev.links = {{.target = "/proc/self/fd", .path = "/dev/fd"},
                         {.target = "pts/ptmx", .path = "/dev/ptmx", .replace = true}};
            dev.directories = {"pts", "shm"};
            init.run(dev);
            EXPECT(mount_at("/mnt/root/dev").has("nosuid"));
            struct ::stat null = lstat_of("/mnt/root/dev/null"), pipe = lstat_of("/mnt/root/dev/pipe");
            EXPECT(null.st_mode == (S_IFCHR | 0666) && null.st_rdev == makedev(1, 3));
            EXPECT(pipe.st_mode == (S_IFIFO | 0604) && pipe.st_uid == 7 && pipe.st_gid == 8);
            EXPECT(lstat_of("/mnt/root/dev/net/tun").st_mode == (S_IFCHR | 0666));
            EXPECT(lstat_of("/mnt/root/dev/zero").st_rdev == makedev(1, 5));
            EXPECT(mount_at("/mnt/root/dev/zero").found);
            EXPECT(fs::read_symlink("/mnt/root/dev/fd") == "/proc/self/fd");
            EXPECT(fs::read_symlink("/mnt/root/dev/ptmx") == "pts/ptmx");
            EXPECT(lstat_of("/mnt/root/dev/shm").st_mode == (S_IFDIR | 0755));
            EXPECT(::umask(0) == 077);
          }) == "ok");
}

TEST_CASE("a cgroup mount shows the container's part, once with and once without a cgroup namespace") {
  for (bool own_namespace : {false, true})
    CHECK(in_mount_namespace([&] {
            TestInit init;
            if (own_namespace) {
              EXPECT(::unshare(CLONE_NEWCGROUP) == 0);
              init.plan.build.push_back({"", runtime::step::JoinCgroup{true}});
            }
            init.attach();
            init.run(make_mount("cgroup", "cgroup", "/sys/fs/cgroup", {"nosuid", "noexec", "nodev", "ro"}));
            MountInfo info = mount_at("/mnt/root/sys/fs/cgroup");
            EXPECT(info.found && info.has("ro") && info.has("nosuid"));
            if (info.type == "cgroup2") return;
            EXPECT(info.type == "tmpfs");
            MountInfo memory = mount_at("/mnt/root/sys/fs/cgroup/memory");
            if (own_namespace) EXPECT(memory.found && memory.has("ro") && memory.has("nodev"));
            if (memory.found) EXPECT(fs::exists("/mnt/root/sys/fs/cgroup/memory/cgroup.procs"));
          }) == "ok");
}

TEST_CASE("flags locked by a more privileged namespace stay, and clearing them is refused by name") {
  CHECK(in_mount_namespace([] {
          fs::create_directories("/mnt/volume");
          EXPECT(::mount("tmpfs", "/mnt/volume", "tmpfs", MS_NOSUID | MS_RDONLY, nullptr) == 0);
          EXPECT(::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
          EXPECT(::umask(0) != 0 || true);
          TestInit init;
          init.attach();
          init.run(make_mount("", "/mnt/volume", "/v", {"bind", "noexec"}));
          MountInfo info = mount_at("/mnt/root/v");
          EXPECT(info.has("ro") && info.has("nosuid") && info.has("noexec"));
          std::string error = init.error_of(make_mount("", "/mnt/volume", "/v", {"bind", "rw"}));
          EXPECT(contains(error, "cannot clear locked flags [MS_RDONLY]"));
        }) == "ok");
}

TEST_CASE("without a cgroup namespace only the container's own directory of each hierarchy is shown") {
  const std::string own = "/sys/fs/cgroup/memory/ocx-unit-" + std::to_string(::getpid());
  if (!fs::exists("/sys/fs/cgroup/memory/cgroup.procs")) return;
  fs::create_directory(own);
  CHECK(in_mount_namespace([&] {
          std::ofstream(own + "/cgroup.procs") << ::getpid();
          TestInit init;
          init.attach();
          init.run(make_mount("cgroup", "cgroup", "/sys/fs/cgroup", {"nosuid", "noexec", "nodev", "ro"}));
          const std::string seen = "/mnt/root/sys/fs/cgroup/memory";
          EXPECT(mount_at(seen).found && mount_at(seen).has("ro") && mount_at(seen).has("noexec"));
          EXPECT(lstat_of(seen).st_ino == lstat_of(own).st_ino);
          std::ifstream members(seen + "/cgroup.procs");
          std::string pid, more;
          EXPECT(members >> pid && pid == std::to_string(::getpid()) && !(members >> more));
          // Of a hierarchy in whose root the container is, nothing may be seen: it is the host's.
          for (const auto& entry : fs::directory_iterator("/mnt/root/sys/fs/cgroup"))
            EXPECT(lstat_of(entry.path()).st_ino !=
                       lstat_of("/sys/fs/cgroup/" + entry.path().filename().string()).st_ino ||
                   entry.is_symlink());
        }) == "ok");
  CHECK(::rmdir(own.c_str()) == 0);
}
