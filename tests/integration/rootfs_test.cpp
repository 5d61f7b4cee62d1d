// root.path, root.readonly, --no-pivot: config.md "Root", config-linux.md "Default Filesystems".
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> image = {"bin", "dev", "etc", "home", "proc", "root",
                                        "run", "sys", "tmp", "usr",  "var"};

// Every mount of the container is one that its configuration asks for: nothing of the host's is left.
void check_only_own_mounts(pid_t pid) {
  const std::set<std::string> known = {"/",        "/proc",       "/dev", "/dev/pts",
                                       "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"};
  const std::vector<std::string> guarded = default_config()["linux"]["readonlyPaths"];
  const std::vector<std::string> masked = default_config()["linux"]["maskedPaths"];
  for (const MountEntry& entry : mounts_of(pid)) {
    INFO(entry.target);
    bool listed = known.count(entry.target) != 0 || entry.target.rfind("/sys/fs/cgroup/", 0) == 0;
    listed = listed || std::find(guarded.begin(), guarded.end(), entry.target) != guarded.end();
    listed = listed || std::find(masked.begin(), masked.end(), entry.target) != masked.end();
    CHECK(listed);
  }
}

}  // namespace

TEST_CASE("the container sees the image's files and nothing of the host's tree", "[rootfs]") {
  Bundle bundle({"/bin/probe", "pause"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(names_in(inside(container.pid(), "/")) == image);
  check_only_own_mounts(container.pid());
  REQUIRE_OK(container.start());
  CHECK(names_in(inside(container.pid(), "/")) == image);
}

TEST_CASE("--no-pivot gives exactly the image's top directories", "[rootfs][no_pivot]") {
  Bundle bundle;
  bundle.shell("for name in /*; do echo $name; done; ls -d /../../bin");
  Container container(bundle);
  REQUIRE_OK(container.create({"--no-pivot"}));
  CHECK(names_in(inside(container.pid(), "/")) == image);
  CHECK(is_mounted(container.pid(), "/"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("--no-pivot works where the rootfs is a ramfs", "[rootfs][no_pivot][contract]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  HostMount ram("ramfs", "ram", bundle.path() / "ram");
  fs::copy(bundle.rootfs(), ram.path(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  bundle.config["root"]["path"] = "ram";
  Container container(bundle);
  REQUIRE_OK(container.create({"--no-pivot"}));
  CHECK(mount_on(container.pid(), "/").type == "ramfs");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("a relative root.path is the bundle's, an absolute one is taken as it is", "[rootfs]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Bundle other;
  fs::remove_all(bundle.rootfs());
  bundle.config["root"]["path"] = other.rootfs().string();
  Container absolute(bundle);
  CHECK(absolute.output().empty());

  fs::rename(other.rootfs(), bundle.path() / "image");
  bundle.config["root"]["path"] = "image";
  Container relative(bundle);
  RunOptions elsewhere;
  elsewhere.cwd = "/";
  REQUIRE_OK(relative.create({}, elsewhere));
}

TEST_CASE("a missing rootfs, and one that is no directory, are refused", "[rootfs]") {
  Bundle bundle;
  bundle.config["root"]["path"] = "nowhere";
  check_refused(bundle, {});
  write_file(bundle.path() / "file", "x");
  bundle.config["root"]["path"] = "file";
  check_refused(bundle, {});
}

TEST_CASE("a read-only root refuses every change", "[rootfs][readonly]") {
  Bundle bundle({"/bin/probe", "try", "create", "/file", "mkdir", "/dir", "write", "/etc/passwd", "unlink",
                 "/etc/group", "chmod", "/bin", "write", "/dev/null"});
  bundle.config["root"]["readonly"] = true;
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEROFS\nEROFS\nEROFS\nEROFS\nok\n");
  CHECK(fs::exists(bundle.rootfs() / "etc/group"));
}

TEST_CASE("a writable root takes changes", "[rootfs][readonly]") {
  Bundle bundle({"/bin/probe", "try", "create", "/file", "mkdir", "/dir", "write", "/etc/passwd"});
  Container container(bundle);
  CHECK(container.output() == "ok\nok\nok\n");
  CHECK(fs::exists(bundle.rootfs() / "file"));
}

TEST_CASE("a read-only root in a user namespace keeps the flags that are locked there",
          "[rootfs][readonly]") {
  Bundle bundle({"/bin/probe", "try", "create", "/file"});
  HostMount locked("tmpfs", "image", bundle.path() / "locked", MS_NODEV | MS_NOSUID);
  fs::copy(bundle.rootfs(), locked.path(), fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  bundle.config["root"] = {{"path", "locked"}, {"readonly", true}};
  bundle.use_user_namespace();
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  MountEntry root = mount_on(container.pid(), "/");
  CHECK(root.has("ro"));
  CHECK(root.has("nodev"));
  CHECK(root.has("nosuid"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "EROFS\n");
}

TEST_CASE("a missing working directory is made, also in a root that becomes read-only",
          "[rootfs][readonly]") {
  Bundle bundle;
  bundle.shell("pwd; touch file 2>/dev/null || echo refused");
  bundle.process()["cwd"] = "/made/for/it";
  bundle.config["root"]["readonly"] = true;
  Container container(bundle);
  CHECK(container.output() == "/made/for/it\nrefused\n");
}

TEST_CASE("the host's mounts under the rootfs come along, their changes later do not leak out", "[rootfs]") {
  Bundle bundle;
  HostMount below("tmpfs", "below", bundle.rootfs() / "below");
  write_file(below.path() / "file", "there");
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(mount_on(container.pid(), "/below").type == "tmpfs");
  CHECK(read_file(inside(container.pid(), "/below/file")) == "there");
}

TEST_CASE("a container without a mount namespace of its own runs in its rootfs", "[rootfs]") {
  ONLY_OCX("runc 1.1 crashes or refuses without a mount namespace");
  Bundle bundle;
  bundle.shell("ls /");
  bundle.config["mounts"] = json::array();
  bundle.remove_namespace("mount");
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  Container container(bundle);
  std::string expected;
  for (const std::string& name : image) expected += name + "\n";
  CHECK(container.output() == expected);
  CHECK(names_in(bundle.rootfs() / "dev").empty());
}

TEST_CASE("mounts without a mount namespace are seen by the container alone", "[rootfs]") {
  ONLY_OCX("runc mounts on the host, and leaves it there");
  Bundle bundle;
  bundle.remove_namespace("mount");
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  bundle.remove_mount("/sys/fs/cgroup");  // cannot be made read-only after it was attached there
  bundle.add_mount(tmpfs_mount("/data"));
  bundle.shell(
      "readlink /proc/self/ns/mnt; touch /data/file; ls /data; ls -d /dev/null /sys/kernel; read -r word");
  const std::string host = fs::read_symlink("/proc/self/ns/mnt");
  Container container(bundle);
  const Result created = container.create();
  if (contains(created.err, "need Linux 6.15"))
    SKIP_TEST("the kernel mounts nothing into detached trees before Linux 6.15");
  REQUIRE_OK(created);
  CHECK(!contains(read_file("/proc/self/mountinfo"), bundle.rootfs().string()));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 1);
  CHECK(lines(created.out_now()) == std::vector<std::string>{host, "file", "/dev/null", "/sys/kernel"});
  CHECK(names_in(bundle.rootfs() / "data").empty());
}

TEST_CASE("what needs a mount namespace is refused without one, with its place", "[rootfs]") {
  ONLY_OCX("runc does not name the place");
  struct Row {
    const char* pointer;
    const char* origin;
    json value;
  };
  const Row rows[] = {{"/linux/maskedPaths", "/linux/maskedPaths", {"/proc/kcore"}},
                      {"/linux/readonlyPaths", "/linux/readonlyPaths", {"/proc/sys"}},
                      {"/root/readonly", "/root/readonly", true},
                      {"/linux/rootfsPropagation", "/linux/rootfsPropagation", "private"}};
  for (const Row& row : rows) {
    Bundle bundle;
    bundle.config["mounts"] = json::array();
    bundle.remove_namespace("mount");
    bundle.config["linux"].erase("maskedPaths");
    bundle.config["linux"].erase("readonlyPaths");
    bundle.config[json::json_pointer(row.pointer)] = row.value;
    check_refused(bundle, {row.origin, "mount namespace"});
  }
}
