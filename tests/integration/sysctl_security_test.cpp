// linux.sysctl, and attacks on how it is written (CVE-2025-52881).
#include <catch2/catch.hpp>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

TEST_CASE("kernel parameters are set in the container and nowhere else", "[sysctl]") {
  Bundle bundle;
  bundle.shell(
      "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced "
      "/proc/sys/net/ipv4/ip_local_port_range");
  std::string forward = read_file("/proc/sys/net/ipv4/ip_forward");
  std::string range = read_file("/proc/sys/net/ipv4/ip_local_port_range");
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"},
                                      {"kernel.shm_rmid_forced", "1"},
                                      {"net.ipv4.ip_local_port_range", "20000 20100"}};
  Container container(bundle);
  CHECK(container.output() == "1\n1\n20000\t20100\n");
  CHECK(read_file("/proc/sys/net/ipv4/ip_forward") == forward);
  CHECK(read_file("/proc/sys/net/ipv4/ip_local_port_range") == range);
}

TEST_CASE("names may be written with slashes", "[sysctl]") {
  Bundle bundle;
  bundle.shell("cat /proc/sys/net/ipv4/conf/lo/forwarding");
  bundle.config["linux"]["sysctl"] = {{"net/ipv4/conf/lo/forwarding", "1"}};
  Container container(bundle);
  CHECK(container.output() == "1\n");
}

TEST_CASE("parameters that are not the container's are refused", "[sysctl]") {
  struct Row {
    const char* name;
    const char* without;
  };
  const Row rows[] = {{"kernel.panic", ""},
                      {"vm.swappiness", ""},
                      {"kernel.core_pattern", ""},
                      {"net.ipv4.ip_forward", "network"},
                      {"kernel.msgmax", "ipc"}};
  for (const Row& row : rows) {
    Bundle bundle;
    if (*row.without != 0) bundle.remove_namespace(row.without);
    bundle.config["linux"]["sysctl"] = {{row.name, "1"}};
    INFO(row.name);
    if (row.without == std::string("network")) bundle.remove_mount("/sys");
    check_refused(bundle, {row.name});
  }
}

TEST_CASE("a parameter the kernel does not have, and a value it does not take, are refused by name",
          "[sysctl]") {
  Bundle bundle;
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.no_such_thing", "1"}};
  check_refused(bundle, {"no_such_thing"});
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "not a number"}};
  check_refused(bundle, {"ip_forward"});
}

TEST_CASE("names that climb are refused", "[sysctl][security]") {
  std::string pattern = read_file("/proc/sys/kernel/core_pattern");
  for (const char* name : {"net/../kernel/core_pattern", "net/./../kernel/core_pattern",
                           "net.ipv4/../../kernel/core_pattern", "net//../kernel/core_pattern"}) {
    INFO(name);
    Bundle bundle;
    bundle.config["linux"]["sysctl"] = {{name, pattern}};
    Container container(bundle);
    CHECK(container.create().status != 0);
  }
  CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
}

TEST_CASE("sysctl is written without a /proc in the container", "[sysctl]") {
  ONLY_OCX("runc writes through the container's /proc");
  Bundle bundle;
  bundle.remove_mount("/proc");
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  std::string pid = std::to_string(container.pid());
  Result seen = run({"nsenter", "-t", pid, "-n", "cat", "/proc/sys/net/ipv4/ip_forward"});
  REQUIRE_OK(seen);
  CHECK(seen.out == "1\n");
}

TEST_CASE("CVE-2025-52881: a fake /proc/sys does not catch the write", "[sysctl][security]") {
  // The image has no real /proc; its /proc/sys leads to a file of the host.
  Path link_target;
  for (bool directory : {false, true}) {
    Bundle bundle;
    Path victim = bundle.scratch() / "victim";
    write_file(victim / "ipv4/ip_forward", "sentinel\n");
    bundle.remove_mount("/proc");
    bundle.config["linux"].erase("maskedPaths");
    bundle.config["linux"].erase("readonlyPaths");
    if (directory) {
      fs::create_directories(bundle.rootfs() / "proc/sys");
      bundle.add_mount(bind_mount(victim, "/proc/sys/net"));
    } else {
      fs::create_directories(bundle.rootfs() / "proc/sys");
      fs::create_symlink(victim, bundle.rootfs() / "proc/sys/net");
    }
    bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    Container container(bundle);
    container.create();
    CHECK(read_file(victim / "ipv4/ip_forward") == "sentinel\n");
  }
}

TEST_CASE("CVE-2025-52881: nothing can be mounted over files of /proc", "[sysctl][security]") {
  std::string pattern = read_file("/proc/sys/kernel/core_pattern");
  for (const char* target :
       {"/proc/sys/net", "/proc/self/attr", "/proc/thread-self/attr", "/proc/1/attr", "/proc/self/attr/exec",
        "/proc/sys/kernel", "/proc/../proc/sys/net", "/link/sys/net"}) {
    INFO(target);
    Bundle bundle;
    Path volume = bundle.scratch() / "volume";
    write_file(volume / "ipv4/ip_forward", "sentinel\n");
    fs::create_symlink("/proc", bundle.rootfs() / "link");
    bundle.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
    bundle.add_mount(bind_mount(volume, target));
    Container container(bundle);
    CHECK(container.create().status != 0);
    CHECK(read_file(volume / "ipv4/ip_forward") == "sentinel\n");
  }
  CHECK(read_file("/proc/sys/kernel/core_pattern") == pattern);
}
