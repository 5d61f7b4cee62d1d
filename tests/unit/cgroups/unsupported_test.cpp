#include <catch2/catch.hpp>

#include "cgroups/settings.hpp"
#include "sys/error.hpp"

using namespace ocx::cgroups;
using ocx::spec::Resources;

namespace {

const Versions only_v1{{"memory", "cpu", "devices"}, false}, only_v2{{}, true};

/// The origin of the refusal, "" when there is none.
template <typename Check>
std::string refused_at(Check check) {
  try {
    check();
    return "";
  } catch (const ocx::Error& error) {
    CHECK(error.kind() == ocx::ErrorKind::unsupported);
    return error.origin();
  }
}

std::string refused_at(const Resources& resources, const Versions& versions) {
  return refused_at([&] { check_resources(resources, versions); });
}

}  // namespace

TEST_CASE("what only v1 has is refused on v2, with its origin", "[cgroups]") {
  struct Case {
    const char* origin;
    void (*set)(Resources&);
  };
  const Case cases[] = {
      {"/linux/resources/memory/swappiness", [](Resources& r) { r.memory.emplace().swappiness = 0; }},
      {"/linux/resources/memory/disableOOMKiller",
       [](Resources& r) { r.memory.emplace().disable_oom_killer = true; }},
      {"/linux/resources/memory/swap", [](Resources& r) { r.memory.emplace().swap = 1 << 20; }},
      {"/linux/resources/cpu/realtimePeriod", [](Resources& r) { r.cpu.emplace().realtime_period = 1000; }},
      {"/linux/resources/cpu/realtimeRuntime", [](Resources& r) { r.cpu.emplace().realtime_runtime = 10; }},
      {"/linux/resources/blockIO/leafWeight", [](Resources& r) { r.block_io.emplace().leaf_weight = 10; }},
      {"/linux/resources/blockIO/weightDevice/0/leafWeight",
       [](Resources& r) {
         r.block_io.emplace().weight_device.push_back({8, 0, {}, 10});
       }},
      {"/linux/resources/network/classID", [](Resources& r) { r.network.emplace().class_id = 1; }},
      {"/linux/resources/network/priorities/0",
       [](Resources& r) {
         r.network.emplace().priorities.push_back({"lo", 1});
       }},
  };
  for (const Case& item : cases) {
    Resources resources;
    item.set(resources);
    CHECK(refused_at(resources, only_v2) == item.origin);
    CHECK(refused_at(resources, only_v1).empty());
    CHECK(refused_at(resources, {{"memory", "cpu", "blkio", "net_cls", "net_prio"}, true}).empty());
  }
}

TEST_CASE("unified settings are refused beside v1", "[cgroups]") {
  Resources resources;
  resources.unified["a~b"] = "1";
  CHECK(refused_at(resources, only_v1) == "/linux/resources/unified/a~0b");
  CHECK(refused_at(resources, {{"cpu"}, true}) == "/linux/resources/unified/a~0b");
  CHECK(refused_at(resources, only_v2).empty());
}

TEST_CASE("values that ask for nothing are taken everywhere", "[cgroups]") {
  Resources resources;
  auto& memory = resources.memory.emplace();
  memory.limit = memory.swap = memory.kernel = memory.kernel_tcp = -1;
  memory.disable_oom_killer = memory.use_hierarchy = false;
  resources.cpu.emplace().realtime_period = 0;
  resources.cpu->realtime_runtime = 0;
  resources.block_io.emplace();
  resources.network.emplace().class_id = 0;
  resources.network->priorities.push_back({"lo", 0});
  resources.has_pids = true;
  for (const Versions& versions : {only_v1, only_v2}) {
    CHECK(refused_at(resources, versions).empty());
    CHECK(check_resources(resources, versions).empty());
    for (const Setting& setting : settings_of(resources, versions))
      CHECK(setting.missing == Setting::Missing::skip);
  }
  CHECK_NOTHROW(refuse_limits(resources));
}

TEST_CASE("limits of kernel memory are warned about on v2", "[cgroups]") {
  Resources resources;
  resources.memory.emplace().kernel = 1 << 20;
  resources.memory->kernel_tcp = 1 << 20;
  const std::vector<std::string> warnings = check_resources(resources, only_v2);
  REQUIRE(warnings.size() == 2);
  CHECK_THAT(warnings[0], Catch::Contains("/linux/resources/memory/kernel)"));
  CHECK_THAT(warnings[1], Catch::Contains("/linux/resources/memory/kernelTCP)"));
  CHECK(check_resources(resources, only_v1).empty());
}

TEST_CASE("without a cgroup every limit is refused", "[cgroups]") {
  Resources resources;
  resources.pids_limit = 0;
  CHECK(refused_at([&] { refuse_limits(resources); }) == "/linux/resources/pids/limit");
  resources.pids_limit = -1;
  CHECK_NOTHROW(refuse_limits(resources));
  resources.unified["memory.high"] = "1";
  CHECK(refused_at([&] { refuse_limits(resources); }) == "/linux/resources/unified/memory.high");
}
