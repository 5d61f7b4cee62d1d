// linux.maskedPaths and linux.readonlyPaths (config-linux.md).
#include <catch2/catch.hpp>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

void mask(Bundle& bundle, std::vector<std::string> paths) {
  bundle.config["linux"]["maskedPaths"] = paths;
}
void protect(Bundle& bundle, std::vector<std::string> paths) {
  bundle.config["linux"]["readonlyPaths"] = paths;
}

bool is_null(const struct stat& facts) {
  return S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(1, 3);
}

}  // namespace

TEST_CASE("masked files read as empty and masked directories list as empty", "[masked_paths]") {
  Bundle bundle;
  bundle.shell(
      "cat /data/file /data/directory/file; ls -A /data/directory; echo x > /data/file; cat /data/other");
  write_file(bundle.rootfs() / "data/file", "secret\n");
  write_file(bundle.rootfs() / "data/directory/file", "secret\n");
  write_file(bundle.rootfs() / "data/other", "plain\n");
  mask(bundle, {"/data/file", "/data/directory"});
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(is_null(stat_inside(container.pid(), "/data/file")));
  MountEntry directory = mount_on(container.pid(), "/data/directory");
  CHECK(directory.type == "tmpfs");
  CHECK(directory.has("ro"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "plain\n");
  CHECK(read_file(bundle.rootfs() / "data/file") == "secret\n");
}

TEST_CASE("a masked directory takes nothing", "[masked_paths]") {
  Bundle bundle({"/bin/probe", "try", "create", "/data/file", "mkdir", "/data/directory"});
  fs::create_directory(bundle.rootfs() / "data");
  mask(bundle, {"/data"});
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEROFS\n");
}

TEST_CASE("many paths can be masked, each of them is", "[masked_paths]") {
  Bundle bundle;
  std::vector<std::string> paths;
  for (int i = 0; i < 60; ++i) {
    std::string name = "/data/" + std::to_string(i);
    write_file(bundle.rootfs() / name.substr(1) / "file", "secret\n");
    write_file(bundle.rootfs() / (name.substr(1) + ".file"), "secret\n");
    paths.push_back(name);
    paths.push_back(name + ".file");
  }
  mask(bundle, paths);
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (int i : {0, 1, 30, 59}) {
    std::string name = "/data/" + std::to_string(i);
    CHECK(names_in(inside(container.pid(), name)).empty());
    CHECK(is_null(stat_inside(container.pid(), name + ".file")));
  }
}

TEST_CASE("a device node is masked like a file", "[masked_paths]") {
  Bundle bundle({"/bin/probe", "stat", "/dev/zero"});
  mask(bundle, {"/dev/zero"});
  Container container(bundle);
  json facts = parse_json(container.output());
  CHECK(facts["/dev/zero"]["minor"] == 3);
}

TEST_CASE("paths that do not exist are passed over", "[masked_paths][readonly_paths]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  fs::create_symlink("nowhere", bundle.rootfs() / "dangling");
  std::vector<std::string> paths = {"/no/such/path"};
  if (runtime_is_ocx()) paths.push_back("/etc/passwd/below");  // ENOTDIR is an error of runc 1.1
  mask(bundle, paths);
  protect(bundle, {"/no/such/path"});
  Container container(bundle);
  CHECK(container.output().empty());
  CHECK_FALSE(fs::exists(bundle.rootfs() / "no"));
}

TEST_CASE("what a link of the image leads to is masked, never the host's", "[masked_paths][security]") {
  Bundle bundle;
  write_file(bundle.scratch() / "secret", "host\n");
  write_file(bundle.rootfs() / "data/file", "secret\n");
  fs::create_symlink("/data/file", bundle.rootfs() / "link");
  fs::create_symlink(bundle.scratch() / "secret", bundle.rootfs() / "outside");
  // Inside, the second leads to nothing; it may be refused or passed over, but not be taken from the host.
  mask(bundle, {"/link", "/outside"});
  if (runtime_is_ocx()) {
    check_refused(bundle, {"/linux/maskedPaths/1", "/outside"});
    mask(bundle, {"/link"});
  }
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(is_null(stat_inside(container.pid(), "/data/file")));
  CHECK(read_file(bundle.scratch() / "secret") == "host\n");
}

TEST_CASE("relative paths are refused", "[masked_paths][readonly_paths]") {
  for (const char* key : {"maskedPaths", "readonlyPaths"}) {
    Bundle bundle;
    write_file(bundle.rootfs() / "data/file", "x");
    bundle.config["linux"][key] = {"data/file"};
    if (runtime_is_ocx())
      check_refused(bundle, {std::string("/linux/") + key + "/0", "data/file"});
    else if (std::string(key) == "maskedPaths")
      continue;  // runc 1.1 takes it as relative to "/" or fails, depending on the kind
  }
}

TEST_CASE("read-only paths refuse writes, files and directories with all below", "[readonly_paths]") {
  Bundle bundle({"/bin/probe", "try", "create", "/data/directory/new", "write", "/data/directory/file",
                 "write", "/data/file", "create", "/data/free", "open", "/data/file"});
  write_file(bundle.rootfs() / "data/file", "x");
  write_file(bundle.rootfs() / "data/directory/file", "x");
  protect(bundle, {"/data/directory", "/data/file"});
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEROFS\nEROFS\nok\nok\n");
}

TEST_CASE("read-only paths keep the flags of what they cover", "[readonly_paths]") {
  Bundle bundle;
  bundle.add_mount(tmpfs_mount("/data", {"nosuid", "noexec", "nodev"}));
  bundle.add_mount(tmpfs_mount("/data/below", {"mode=755"}));
  protect(bundle, {"/data/below", "/data"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  MountEntry entry = mount_on(container.pid(), "/data");
  for (const char* flag : {"ro", "nosuid", "noexec", "nodev"}) CHECK(entry.has(flag));
  CHECK(is_mounted(container.pid(), "/data/below"));
}

TEST_CASE("a read-only path through a link protects where it leads", "[readonly_paths]") {
  Bundle bundle({"/bin/probe", "try", "write", "/data/file", "write", "/link"});
  write_file(bundle.rootfs() / "data/file", "x");
  fs::create_symlink("/data/file", bundle.rootfs() / "link");
  protect(bundle, {"/link"});
  Container container(bundle);
  CHECK(container.output() == "EROFS\nEROFS\n");
}

TEST_CASE("a read-only path that is a device can be read and not changed", "[readonly_paths]") {
  Bundle bundle({"/bin/probe", "try", "read", "/dev/zero", "chmod", "/dev/zero"});
  protect(bundle, {"/dev/zero"});
  Container container(bundle);
  CHECK(container.output() == "ok\nEROFS\n");
}

TEST_CASE("the default lists are in force inside /proc", "[masked_paths][readonly_paths]") {
  Bundle bundle({"/bin/probe", "try", "write", "/proc/sys/kernel/hostname"});
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/timer_list"})
    if (exists_inside(container.pid(), path)) CHECK(is_null(stat_inside(container.pid(), path)));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(created.out_now() == "EROFS\n");
}
