// Resources in the plan: checked before anything is made, shown by explain; and who owns the cgroup.
#include <catch2/catch.hpp>

#include "runtime/plan_parts.hpp"
#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;

namespace {

/// A container with a user namespace and a cgroup of its own, on a v2 host.
PlanSource delegated() {
  PlanSource source;
  source.host.cgroup_v2 = source.host.cgroup2 = true;
  json& linux = source.config["linux"];
  linux["namespaces"].push_back({{"type", "user"}});
  linux["namespaces"].push_back({{"type", "cgroup"}});
  linux["uidMappings"] = linux["gidMappings"] = {{{"containerID", 0}, {"hostID", 100000}, {"size", 1000}},
                                                 {{"containerID", 5000}, {"hostID", 7}, {"size", 10}}};
  source.config["mounts"].push_back({{"destination", "/sys/fs//cgroup/"},
                                     {"type", "cgroup"},
                                     {"source", "cgroup"},
                                     {"options", {"nosuid"}}});
  return source;
}

std::string mount_origin(const PlanSource& source) {
  return "/mounts/" + std::to_string(source.config["mounts"].size() - 1);
}

void remove_namespace(PlanSource& source, const std::string& type) {
  json kept = json::array();
  for (const json& item : source.config["linux"]["namespaces"])
    if (item["type"] != type) kept.push_back(item);
  source.config["linux"]["namespaces"] = kept;
}

}  // namespace

TEST_CASE("a writable cgroup belongs to the user of the process, as the host knows him") {
  PlanSource source = delegated();
  auto owner = source.compile().cgroup_owner;
  REQUIRE(owner);
  CHECK(owner->uid == 100000);
  CHECK(owner->origin == mount_origin(source));
  source.config["process"]["user"]["uid"] = 5003;
  owner = source.compile().cgroup_owner;
  REQUIRE(owner);
  CHECK(owner->uid == 10);
}

TEST_CASE("a cgroup stays the host's unless the specification's conditions are met") {
  const std::vector<void (*)(PlanSource&)> changes = {
      [](PlanSource& s) { s.host.cgroup_v2 = s.host.cgroup2 = false; },
      [](PlanSource& s) { s.host.v1_controllers = {"memory"}; },
      [](PlanSource& s) { remove_namespace(s, "cgroup"); },
      [](PlanSource& s) {
        remove_namespace(s, "user");
        s.config["linux"].erase("uidMappings");
        s.config["linux"].erase("gidMappings");
      },
      [](PlanSource& s) { s.config["mounts"].back()["options"].push_back("ro"); },
      [](PlanSource& s) { s.config["mounts"].back()["source"] = "cgroup2"; },
      [](PlanSource& s) { s.config["mounts"].back()["destination"] = "/cgroup"; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    INFO(i);
    PlanSource source = delegated();
    changes[i](source);
    CHECK_FALSE(source.compile().cgroup_owner);
  }
}

TEST_CASE("what the host's cgroups can't express is refused before anything is made") {
  PlanSource source;
  source.config["linux"]["resources"]["memory"] = {{"swappiness", 10}, {"kernel", 4096}};
  CHECK(source.error().what() == std::string("none"));
  CHECK(source.warnings.empty());
  source.host.cgroup2 = true;
  source.host.v1_controllers = {"devices", "memory"};
  CHECK(source.error().what() == std::string("none"));
  source.host.v1_controllers = {"devices"};
  Error error = source.error();
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(error.origin() == "/linux/resources/memory/swappiness");
  source.config["linux"]["resources"]["memory"].erase("swappiness");
  source.compile();
  REQUIRE(source.warnings.size() == 1);
  CHECK_THAT(source.warnings[0],
             Catch::Contains("/linux/resources/memory/kernel") && Catch::EndsWith("ignoring"));
  source.config["linux"]["resources"]["unified"] = {{"memory.high", "1"}};
  CHECK(source.error().origin() == "/linux/resources/unified/memory.high");
}
