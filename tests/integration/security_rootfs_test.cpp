// Attacks by the image on what is mounted where: links at /proc, /sys, /dev, and things in place of devices
// and terminals.
#include <catch2/catch.hpp>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

struct Link {
  const char* what;
  const char* target;  // "%" stands for a directory of the host
};
constexpr Link links[] = {{"to a directory of the image", "tmp"},
                          {"absolute, to a directory of the image", "/tmp"},
                          {"dangling", "/no/such/place"},
                          {"climbing", "../../../../../../tmp"},
                          {"to the host", "%"},
                          {"to itself", "."}};

std::string resolve(const Link& link, const Path& host) {
  return link.target == std::string("%") ? host.string() : link.target;
}

}  // namespace

TEST_CASE("CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: /proc and /sys are no links",
          "[security][prohibit_symlink]") {
  for (const char* name : {"proc", "sys"}) {
    for (const Link& link : links) {
      INFO(name << " " << link.what);
      Bundle bundle;
      fs::create_directory(bundle.scratch() / "victim");
      fs::remove(bundle.rootfs() / name);
      fs::create_symlink(resolve(link, bundle.scratch() / "victim"), bundle.rootfs() / name);
      check_refused(bundle, {std::string("/") + name, "must be mounted on ordinary directory"});
      CHECK(names_in(bundle.scratch() / "victim").empty());
    }
  }
}

TEST_CASE("CVE-2019-19921: nor is a directory above /proc reached through a volume", "[security]") {
  Bundle bundle;
  Path volume = bundle.scratch() / "volume";
  fs::create_directories(volume / "evil");
  fs::remove(bundle.rootfs() / "proc");
  fs::create_symlink("/volume/evil", bundle.rootfs() / "proc");
  bundle.config["mounts"].insert(bundle.config["mounts"].begin(), bind_mount(volume, "/volume", {"rbind"}));
  check_refused(bundle, {"/proc"});
  CHECK(names_in(volume / "evil").empty());
}

TEST_CASE("CVE-2019-16884: nothing but procfs is mounted on /proc or in it", "[security]") {
  struct Row {
    const char* target;
    bool as_tmpfs;
  };
  const Row rows[] = {{"/proc", true},
                      {"/proc", false},
                      {"/proc/self/attr", true},
                      {"/proc/self/attr", false},
                      {"/proc/1/attr", false},
                      {"/proc/sys", false},
                      {"/proc/self", true},
                      {"/proc/../proc/fs", true},
                      {"/tmp/../proc/self/attr", false}};
  for (const Row& row : rows) {
    // runc 1.1 refuses only bind mounts there.
    if (row.as_tmpfs && row.target != std::string("/proc") && !runtime_is_ocx()) continue;
    INFO(row.target << (row.as_tmpfs ? " as tmpfs" : " by bind"));
    Bundle bundle;
    write_file(bundle.scratch() / "fake/self/attr/exec", "sentinel");
    write_file(bundle.scratch() / "fake/attr/exec", "sentinel");
    bundle.add_mount(row.as_tmpfs ? tmpfs_mount(row.target)
                                  : bind_mount(bundle.scratch() / "fake", row.target));
    check_refused(bundle, {"/proc"});
    CHECK(read_file(bundle.scratch() / "fake/attr/exec") == "sentinel");
  }
}

TEST_CASE("files that engines emulate may be mounted in /proc", "[security][mounts]") {
  Bundle bundle;
  bundle.shell("cat /proc/uptime");
  write_file(bundle.scratch() / "uptime", "1.0 1.0\n");
  bundle.add_mount(bind_mount(bundle.scratch() / "uptime", "/proc/uptime"));
  Container container(bundle);
  CHECK(container.output() == "1.0 1.0\n");
}

TEST_CASE("CVE-2025-31133: a /dev/null that is a link neither opens nor weakens a mask",
          "[security][masked_paths]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable: the masks lead to the link's target");
  for (const char* target : {"/proc/sys/kernel/core_pattern", "/etc/passwd", "/no/such/place"}) {
    INFO(target);
    Bundle bundle({"/bin/probe", "try", "write", "/proc/sys/kernel/core_pattern"});
    std::string pattern = read_file("/proc/sys/kernel/core_pattern");
    Path dev = bundle.scratch() / "dev";
    fs::create_directory(dev);
    fs::create_symlink(target, dev / "null");
    for (const char* mount : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
    bundle.find_mount("/dev")->update(bind_mount(dev, "/dev", {"rbind"}));
    bundle.config["linux"]["maskedPaths"] = {"/proc/timer_list", "/proc/keys", "/etc/group"};
    Container container(bundle);
    Result created = container.create();
    if (created.status == 0) {
      for (const char* masked : {"/proc/timer_list", "/proc/keys", "/etc/group"}) {
        if (!exists_inside(container.pid(), masked)) continue;
        INFO(masked);
        struct stat facts = stat_inside(container.pid(), masked);
        CHECK(S_ISCHR(facts.st_mode));
        CHECK(facts.st_rdev == makedev(1, 3));
      }
      REQUIRE_OK(container.start());
      container.wait_exit();
      CHECK(created.out_now() == "EROFS\n");
    }
    CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
  }
}

TEST_CASE("CVE-2025-31133: nor does a regular file or another device named null",
          "[security][masked_paths]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  for (bool device : {false, true}) {
    Bundle bundle;
    Path dev = bundle.scratch() / "dev";
    write_file(dev / "full", "x");
    if (device)
      REQUIRE(mknod((dev / "null").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
    else
      write_file(dev / "null", "readable\n", 0666);
    for (const char* mount : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
    bundle.find_mount("/dev")->update(bind_mount(dev, "/dev", {"rbind"}));
    bundle.config["linux"]["maskedPaths"] = {"/etc/group"};
    Container container(bundle);
    if (container.create().status == 0)
      CHECK(stat_inside(container.pid(), "/etc/group").st_rdev == makedev(1, 3));
  }
}

TEST_CASE("CVE-2026-41579: a /dev that is a link to the host changes nothing there", "[security][devices]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  for (bool with_mount : {false, true}) {
    INFO((with_mount ? "with" : "without") << " a tmpfs on /dev");
    Bundle bundle;
    Path victim = bundle.scratch() / "victim";
    write_file(victim / "ptmx", "sentinel");
    fs::create_directory(victim / "pts");
    fs::remove(bundle.rootfs() / "dev");
    fs::create_symlink(victim, bundle.rootfs() / "dev");
    for (const char* mount : {"/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
    if (!with_mount) bundle.remove_mount("/dev");
    Container container(bundle);
    container.create();
    CHECK(names_in(victim) == std::vector<std::string>{"ptmx", "pts"});
    CHECK(read_file(victim / "ptmx") == "sentinel");
    CHECK(names_in(victim / "pts").empty());
  }
}

TEST_CASE("CVE-2026-41579: nor do links for the files in /dev", "[security][devices]") {
  Bundle bundle;
  Path victim = bundle.scratch() / "victim";
  fs::create_directory(victim);
  for (const char* mount : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
  for (const char* name :
       {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "console"})
    fs::create_symlink(victim / name, bundle.rootfs() / "dev" / name);
  Container container(bundle);
  container.create();
  CHECK(names_in(victim).empty());
}

TEST_CASE("CVE-2026-88265: a /dev/null that is a link gives the payload no host file as its stdin",
          "[security]") {
  Bundle bundle;
  Path secret = bundle.scratch() / "secret";
  write_file(secret, "secret of the host\n");
  for (const char* mount : {"/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"}) bundle.remove_mount(mount);
  fs::create_symlink(secret, bundle.rootfs() / "dev/null");
  bundle.shell("cat /dev/null; echo overwritten > /dev/null");
  Container container(bundle);
  Result created = container.create();
  if (created.status == 0) {
    container.start();
    container.wait_exit();
  }
  CHECK_FALSE(contains(created.out_now(), "secret"));
  CHECK(read_file(secret) == "secret of the host\n");
}

TEST_CASE("a passwd file that never ends, or is a device, hangs nobody", "[security]") {
  for (const char* kind : {"fifo", "zero", "link", "large"}) {
    INFO(kind);
    Bundle bundle({"/bin/probe", "exit", "0"});
    Path passwd = bundle.rootfs() / "etc/passwd";
    fs::remove(passwd);
    if (kind == std::string("fifo")) REQUIRE(mkfifo(passwd.c_str(), 0666) == 0);
    if (kind == std::string("zero")) REQUIRE(mknod(passwd.c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
    if (kind == std::string("link")) fs::create_symlink("/dev/zero", passwd);
    if (kind == std::string("large")) {
      write_file(passwd, "");
      fs::resize_file(passwd, 1L << 30);
    }
    if (!runtime_is_ocx()) SKIP_TEST("runc 1.1 reads it to its end");
    Container container(bundle);
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    CHECK(container.wait_exit() == 0);
  }
}
