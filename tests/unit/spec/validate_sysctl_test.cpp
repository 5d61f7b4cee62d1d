#include "spec/validate_sysctl.hpp"

#include <catch2/catch.hpp>
#include <linux/sched.h>

#include "sys/error.hpp"

namespace ocx::spec {

TEST_CASE("a parameter's name becomes a path below /proc/sys", "[sysctl]") {
  struct Row {
    const char* name;
    std::optional<std::string> path;
  };
  const Row row = GENERATE(values<Row>({
      {"net.ipv4.ip_forward", "net/ipv4/ip_forward"},
      {"net/ipv4/ip_forward", "net/ipv4/ip_forward"},
      {"net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"},
      {"net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"},
      {"", {}},
      {"kernel", {}},
      {".net.x", {}},
      {"/net/x", {}},
      {"net..x", {}},
      {"net.x.", {}},
      {"net//x", {}},
      {"net/../kernel/core_pattern", {}},
      {"net/./x", {}},
      {"net.//.kernel.core_pattern", {}},
      {"net./.x", {}},
  }));
  CAPTURE(row.name);
  CHECK(sysctl_path(row.name) == row.path);
}

TEST_CASE("a parameter belongs to one namespace", "[sysctl]") {
  struct Row {
    const char* name;
    std::uint64_t flag;
  };
  const Row row = GENERATE(values<Row>({
      {"kernel.msgmax", CLONE_NEWIPC},
      {"kernel.msgmnb", CLONE_NEWIPC},
      {"kernel.msgmni", CLONE_NEWIPC},
      {"kernel.sem", CLONE_NEWIPC},
      {"kernel/shmall", CLONE_NEWIPC},
      {"kernel.shmmax", CLONE_NEWIPC},
      {"kernel.shmmni", CLONE_NEWIPC},
      {"kernel.shm_rmid_forced", CLONE_NEWIPC},
      {"fs.mqueue.msg_max", CLONE_NEWIPC},
      {"net.core.somaxconn", CLONE_NEWNET},
      {"net/ipv4/ping_group_range", CLONE_NEWNET},
      {"kernel.domainname", CLONE_NEWUTS},
      {"user.max_user_namespaces", CLONE_NEWUSER},
  }));
  CAPTURE(row.name);
  Linux linux;
  linux.sysctl = {{row.name, "1"}};
  for (const std::uint64_t flag : {CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWUSER}) {
    linux.namespaces = {{flag, ""}};
    if (flag == row.flag)
      CHECK_NOTHROW(validate_sysctl(linux));
    else
      CHECK_THROWS_AS(validate_sysctl(linux), Error);
  }
}

TEST_CASE("parameters that no container has are refused", "[sysctl]") {
  struct Row {
    const char* name;
    const char* origin;
    const char* message;
  };
  const Row row = GENERATE(values<Row>({
      {"kernel.hostname", "/linux/sysctl/kernel.hostname", "/hostname"},
      {"kernel.core_pattern", "/linux/sysctl/kernel.core_pattern", "not in a separate kernel namespace"},
      {"vm/swappiness", "/linux/sysctl/vm~1swappiness", "not in a separate kernel namespace"},
      {"kernel.semx", "/linux/sysctl/kernel.semx", "not in a separate kernel namespace"},
      {"fs.mqueuex.y", "/linux/sysctl/fs.mqueuex.y", "not in a separate kernel namespace"},
      {"network.x", "/linux/sysctl/network.x", "not in a separate kernel namespace"},
      {"net/../kernel/sem", "/linux/sysctl/net~1..~1kernel~1sem", "no name of a kernel parameter"},
  }));
  CAPTURE(row.name);
  Linux linux;
  linux.namespaces = {{CLONE_NEWIPC, ""}, {CLONE_NEWNET, ""}, {CLONE_NEWUTS, ""}, {CLONE_NEWUSER, ""}};
  linux.sysctl = {{row.name, "1"}};
  try {
    validate_sysctl(linux);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.origin() == row.origin);
    CHECK_THAT(error.what(), Catch::Contains(row.message));
  }
}

TEST_CASE("one parameter in both spellings is refused", "[sysctl]") {
  Linux linux;
  linux.namespaces = {{CLONE_NEWNET, ""}};
  linux.sysctl = {{"net.ipv4.ip_forward", "1"}, {"net/ipv4/ip_forward", "0"}};
  CHECK_THROWS_WITH(validate_sysctl(linux), Catch::Contains("set twice"));
}

}  // namespace ocx::spec
