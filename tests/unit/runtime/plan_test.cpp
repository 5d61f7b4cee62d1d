// plan(): what a configuration compiles to. Pure, so that every rule is a line of a table.
#include "runtime/plan.hpp"

#include <catch2/catch.hpp>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using Words = std::vector<std::string>;

TEST_CASE("the default configuration compiles to its program, in order") {
  PlanSource source;
  const runtime::Plan plan = source.compile();
  CHECK(words(plan.build) == Words{"keyring _ses.box", "loopback", "hostname bundle", "propagation",
                                   "rootfs /bundle/rootfs", "mount /proc", "mount /dev", "mount /dev/pts",
                                   "mount /dev/shm", "mount /dev/mqueue", "mount /sys", "cgroup",
                                   "cgroup-mount /sys/fs/cgroup"});
  CHECK(words(plan.enter) == Words{"pivot",
                                   "make-cwd /",
                                   "readonly-path /proc/bus",
                                   "readonly-path /proc/fs",
                                   "readonly-path /proc/irq",
                                   "readonly-path /proc/sys",
                                   "readonly-path /proc/sysrq-trigger",
                                   "mask /proc/acpi",
                                   "mask /proc/asound",
                                   "mask /proc/kcore",
                                   "mask /proc/keys",
                                   "mask /proc/latency_stats",
                                   "mask /proc/timer_list",
                                   "mask /proc/timer_stats",
                                   "mask /proc/sched_debug",
                                   "mask /sys/firmware",
                                   "mask /proc/scsi",
                                   "bounding",
                                   "no-new-privileges",
                                   "cwd /",
                                   "user 0",
                                   "cwd-as-user /",
                                   "capabilities",
                                   "find /bin/probe"});
  CHECK(source.warnings.empty());
  CHECK(plan.namespaces.new_flags ==
        (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS));
  CHECK(plan.namespaces.own_mounts());
  CHECK(plan.namespaces.own_pids());
}

TEST_CASE("the same input gives the same program") {
  PlanSource source;
  const runtime::Plan first = source.compile(), second = source.compile();
  for (auto list : {&runtime::Plan::build, &runtime::Plan::enter}) {
    REQUIRE((first.*list).size() == (second.*list).size());
    for (size_t i = 0; i < (first.*list).size(); ++i)
      CHECK(runtime::describe((first.*list)[i].action) == runtime::describe((second.*list)[i].action));
  }
}

TEST_CASE("each step names the setting that asked for it") {
  PlanSource source;
  source.config["root"]["readonly"] = true;
  source.config["process"]["terminal"] = true;
  source.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  source.config["linux"]["devices"] = {{{"path", "/opt/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}}};
  source.config["linux"]["rootfsPropagation"] = "shared";
  const runtime::Plan plan = source.compile();
  struct Row {
    const char* step;
    const char* origin;
  };
  for (const Row& row :
       {Row{"hostname bundle", "/hostname"}, Row{"rootfs /bundle/rootfs", "/root/path"},
        Row{"mount /proc", "/mounts/0"}, Row{"mount /dev/mqueue", "/mounts/4"},
        Row{"cgroup-mount /sys/fs/cgroup", "/mounts/6"}, Row{"device /opt/null", "/linux/devices/0"},
        Row{"propagation", "/linux/rootfsPropagation"}, Row{"cgroup", ""}}) {
    INFO(row.step);
    CHECK(origin_of(plan.build, row.step) == row.origin);
  }
  for (const Row& row :
       {Row{"pivot", "/root/path"}, Row{"console", "/process/terminal"}, Row{"make-cwd /", "/process/cwd"},
        Row{"read-only /", "/root/readonly"},
        Row{"sysctl net/ipv4/ip_forward=1", "/linux/sysctl/net.ipv4.ip_forward"},
        Row{"readonly-path /proc/sys", "/linux/readonlyPaths/3"},
        Row{"mask /proc/kcore", "/linux/maskedPaths/2"}, Row{"bounding", "/process/capabilities/bounding"},
        Row{"no-new-privileges", "/process/noNewPrivileges"}, Row{"user 0", "/process/user"},
        Row{"capabilities", "/process/capabilities"}, Row{"find /bin/probe", "/process/args/0"},
        Row{"rootfs-propagation", "/linux/rootfsPropagation"}}) {
    INFO(row.step);
    CHECK(origin_of(plan.enter, row.step) == row.origin);
  }
  REQUIRE(plan.attributes.size() == 1);
  CHECK(plan.attributes[0].origin == "/process/rlimits/0");
}

TEST_CASE("network devices keep their names unless told otherwise, and init waits for them") {
  PlanSource source;
  source.config["linux"].erase("resources");
  CHECK_FALSE(source.compile().parent_acts_between());
  source.config["linux"]["netDevices"] = {{"eth0", json::object()}, {"eth1", {{"name", "net%d"}}}};
  const runtime::Plan plan = source.compile();
  CHECK(plan.parent_acts_between());
  REQUIRE(plan.net_devices.size() == 2);
  CHECK(plan.net_devices[0].name == "eth0");
  CHECK(plan.net_devices[1].host_name == "eth1");
  CHECK(plan.net_devices[1].name == "net%d");
  CHECK(plan.net_devices[1].origin == "/linux/netDevices/eth1");
  source.config.erase("hostname");
  source.host.joined_own = CLONE_NEWNET;
  source.config["linux"]["namespaces"] = {{{"type", "mount"}},
                                          {{"type", "network"}, {"path", "/proc/self/ns/net"}}};
  CHECK(source.error().origin() == "/linux/netDevices");
}

TEST_CASE("resource limits are refused where there are no cgroups, too: nothing would enforce them") {
  PlanSource source;
  source.config["linux"]["resources"]["memory"] = {{"limit", 1000000}};
  source.globals.cgroup_driver = runtime::CgroupDriver::disabled;
  CHECK(source.error().origin() == "/linux/resources/memory/limit");
}

TEST_CASE("names of sysctls become paths as sysctl(8) reads them") {
  struct Row {
    const char* name;
    const char* path;
  };
  for (const Row& row :
       {Row{"net.ipv4.ip_forward", "net/ipv4/ip_forward"}, Row{"net/ipv4/ip_forward", "net/ipv4/ip_forward"},
        Row{"net/ipv4/conf/eth0.7/forwarding", "net/ipv4/conf/eth0.7/forwarding"},
        Row{"net.ipv4.conf.eth0/7.forwarding", "net/ipv4/conf/eth0.7/forwarding"},
        Row{"kernel.shmmax", "kernel/shmmax"}}) {
    PlanSource source;
    source.config["linux"]["sysctl"] = {{row.name, "1"}};
    INFO(row.name);
    CHECK(has_step(source.compile().enter, std::string("sysctl ") + row.path + "=1"));
  }
  PlanSource source;
  source.config["linux"]["sysctl"] = {{"net/ipv4/ip_forward", "1"}};
  CHECK(origin_of(source.compile().enter, "sysctl net/ipv4/ip_forward=1") ==
        "/linux/sysctl/net~1ipv4~1ip_forward");
}

TEST_CASE("sysctl comes before /proc/sys becomes read-only, and after the pivot") {
  PlanSource source;
  source.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  const runtime::Plan plan = source.compile();
  const size_t sysctl = place_of(plan.enter, "sysctl net/ipv4/ip_forward=1");
  CHECK(sysctl < place_of(plan.enter, "readonly-path /proc/sys"));
  CHECK(sysctl > place_of(plan.enter, "pivot"));
}

TEST_CASE("a cgroup namespace is made after the cgroup is joined and before cgroups are mounted") {
  PlanSource source;
  source.config["linux"]["namespaces"].push_back({{"type", "cgroup"}});
  runtime::Plan plan = source.compile();
  CHECK(place_of(plan.build, "cgroup-namespace") + 1 == place_of(plan.build, "cgroup-mount /sys/fs/cgroup"));
  CHECK((plan.namespaces.new_flags & CLONE_NEWCGROUP) == 0);
  CHECK(origin_of(plan.build, "cgroup-namespace") == "/linux/namespaces");

  source.config["mounts"].erase(6);
  CHECK(has_step(source.compile().build, "cgroup-namespace"));
  source.config["linux"]["namespaces"].erase(5);
  CHECK_FALSE(has_step(source.compile().build, "cgroup"));
  source.config["mounts"].push_back({{"destination", "/c"}, {"type", "cgroup2"}, {"source", "cgroup"}});
  plan = source.compile();
  CHECK(place_of(plan.build, "cgroup") + 1 == place_of(plan.build, "cgroup-mount /c"));
}

TEST_CASE("namespaces are made or joined") {
  PlanSource source;
  source.config["linux"]["namespaces"] = {{{"type", "pid"}, {"path", "/proc/1/ns/pid"}},
                                          {{"type", "mount"}},
                                          {{"type", "time"}},
                                          {{"type", "uts"}}};
  source.config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 5}}}};
  const runtime::Plan plan = source.compile();
  CHECK(plan.namespaces.new_flags == (CLONE_NEWNS | CLONE_NEWUTS));
  CHECK(plan.namespaces.new_time);
  CHECK(plan.namespaces.time_offsets.at("boottime").secs == 5);
  REQUIRE(plan.namespaces.joins.size() == 1);
  CHECK(plan.namespaces.joins[0].flag == CLONE_NEWPID);
  CHECK(plan.namespaces.joins[0].origin == "/linux/namespaces/0/path");
  CHECK_FALSE(plan.namespaces.own_pids());
  CHECK_FALSE(has_step(plan.build, "loopback"));
}

TEST_CASE("a process in between joins what the caller could not leave again") {
  PlanSource source;
  const auto through_relay = [&](const json& ns, bool in_user_namespace) {
    source.config["linux"]["namespaces"] = json::array({{{"type", "mount"}}, {{"type", "uts"}}, ns});
    source.host.in_user_namespace = in_user_namespace;
    return source.compile().namespaces.through_relay;
  };
  const json network = {{"type", "network"}, {"path", "/proc/1/ns/net"}};
  CHECK_FALSE(through_relay(network, false));
  CHECK(through_relay(network, true));
  CHECK_FALSE(through_relay({{"type", "network"}}, true));
  CHECK_FALSE(through_relay({{"type", "time"}}, false));
  CHECK(through_relay({{"type", "time"}}, true));
  CHECK(through_relay({{"type", "user"}, {"path", "/proc/1/ns/user"}}, false));
}

TEST_CASE("a user namespace: ids are mapped and become root first") {
  PlanSource source;
  source.config["linux"]["namespaces"].push_back({{"type", "user"}});
  const json maps = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
  source.config["linux"]["uidMappings"] = source.config["linux"]["gidMappings"] = maps;
  const runtime::Plan plan = source.compile();
  CHECK(place_of(plan.build, "become-root") == 0);
  CHECK((plan.namespaces.new_flags & CLONE_NEWUSER) != 0);
  REQUIRE(plan.namespaces.uid_maps.size() == 1);
  CHECK(plan.namespaces.uid_maps[0].host_id == 100000);
  CHECK_FALSE(plan.namespaces.joins_user());
}

TEST_CASE("--no-pivot moves, no mount namespace means chroot") {
  PlanSource source;
  source.request.no_pivot = true;
  CHECK(place_of(source.compile().enter, "move") == 0);
  source.config["linux"] = {{"namespaces", {{{"type", "pid"}}}}};
  source.config["mounts"] = json::array();
  source.config.erase("hostname");
  const runtime::Plan plan = source.compile();
  CHECK(place_of(plan.enter, "chroot") == 0);
  CHECK_FALSE(has_step(plan.build, "propagation"));
  CHECK_FALSE(has_step(plan.build, "device /dev/null"));
  CHECK_FALSE(has_step(plan.build, "link /dev/fd"));
}

TEST_CASE("--no-new-keyring leaves the caller's session keyring") {
  PlanSource source;
  source.request.no_new_keyring = true;
  CHECK_FALSE(has_step(source.compile().build, "keyring _ses.box"));
}

TEST_CASE("propagation of the root: early for the tree, late for what the container's root passes on") {
  struct Row {
    const char* value;
    std::uint64_t early, late;  // late 0: no such step
  };
  for (const Row& row :
       {Row{"", MS_SLAVE | MS_REC, 0}, Row{"slave", MS_SLAVE | MS_REC, 0},
        Row{"private", MS_PRIVATE | MS_REC, 0}, Row{"shared", MS_SHARED, MS_SHARED},
        Row{"unbindable", MS_SLAVE | MS_REC, MS_UNBINDABLE}, Row{"rshared", MS_SHARED, MS_SHARED | MS_REC}}) {
    INFO(row.value);
    PlanSource source;
    if (*row.value != 0) source.config["linux"]["rootfsPropagation"] = row.value;
    const runtime::Plan plan = source.compile();
    const size_t early = place_of(plan.build, "propagation"),
                 late = place_of(plan.enter, "rootfs-propagation");
    REQUIRE(early < plan.build.size());
    CHECK(std::get<runtime::step::RootPropagation>(plan.build[early].action).flags == row.early);
    REQUIRE((late < plan.enter.size()) == (row.late != 0));
    if (row.late != 0)
      CHECK(std::get<runtime::step::RootfsPropagation>(plan.enter[late].action).flags == row.late);
  }
}

TEST_CASE("a relative rootfs is the bundle's") {
  PlanSource source;
  CHECK(source.compile().rootfs == "/bundle/rootfs");
  source.config["root"]["path"] = "/images/x";
  CHECK(source.compile().rootfs == "/images/x");
}
