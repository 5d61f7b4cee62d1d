// plan(): what depends on the machine and on who calls.
#include <catch2/catch.hpp>
#include <sched.h>

#include "runtime/plan.hpp"
#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;

TEST_CASE("a joined namespace that is the runtime's own isolates nothing") {
  PlanSource source;
  source.config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  for (json& ns : source.config["linux"]["namespaces"])
    if (ns["type"] == "network") ns["path"] = "/proc/1/ns/net";
  CHECK(source.error().message() == "none");
  source.host.joined_own = CLONE_NEWNET;
  CHECK(source.error().origin() == "/linux/sysctl/net.ipv4.ip_forward");

  source.config["linux"].erase("sysctl");
  CHECK(source.compile().namespaces.joins.empty());
  source.host.joined_own = CLONE_NEWUTS;
  CHECK(source.error().origin() == "/hostname");
  source.host.joined_own = CLONE_NEWNS;
  CHECK(source.error().origin() == "/linux/maskedPaths");
}

TEST_CASE("mappings beside a user namespace joined by path are kept for comparison") {
  PlanSource source;
  const json maps = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
  source.config["linux"]["uidMappings"] = maps;
  source.config["linux"]["gidMappings"] = maps;
  source.config["linux"]["namespaces"].push_back({{"type", "user"}, {"path", "/proc/7/ns/user"}});
  const runtime::Plan plan = source.compile();
  CHECK(plan.namespaces.uid_maps.empty());
  CHECK(plan.namespaces.expected_uid_maps == std::vector<spec::IdMapping>{{0, 100000, 65536}});
}

TEST_CASE("--rootless decides whether a cgroup is insisted on") {
  struct Row {
    runtime::Rootless option;
    uid_t euid;
    bool in_user_namespace, rootless;
  };
  using runtime::Rootless;
  for (const Row& row : {Row{Rootless::automatic, 0, false, false},
                         Row{Rootless::automatic, 1000, false, true}, Row{Rootless::automatic, 0, true, true},
                         Row{Rootless::no, 1000, true, false}, Row{Rootless::yes, 0, false, true}}) {
    PlanSource source;
    source.globals.rootless = row.option;
    source.host.euid = row.euid;
    source.host.in_user_namespace = row.in_user_namespace;
    CHECK(source.compile().rootless == row.rootless);
  }
}
