#include <catch2/catch.hpp>

#include "cgroups/manager.hpp"
#include "sys/error.hpp"

using namespace ocx::cgroups;
using ocx::spec::Resources;

namespace {

/// The origin of the refusal, "" when there is none.
std::string refused_at(const Resources& resources, bool v2 = false) {
  try {
    refuse_unsupported(resources, v2);
    return "";
  } catch (const ocx::Error& error) {
    CHECK(error.kind() == ocx::ErrorKind::unsupported);
    return error.origin();
  }
}

}  // namespace

TEST_CASE("resource limits are refused with their origin", "[cgroups]") {
  struct Case {
    const char* origin;
    void (*set)(Resources&);
  };
  const Case cases[] = {
      {"/linux/resources/memory/limit", [](Resources& r) { r.memory.emplace().limit = 1; }},
      {"/linux/resources/memory/swap", [](Resources& r) { r.memory.emplace().swap = -1; }},
      {"/linux/resources/memory/disableOOMKiller",
       [](Resources& r) { r.memory.emplace().disable_oom_killer = false; }},
      {"/linux/resources/cpu/shares", [](Resources& r) { r.cpu.emplace().shares = 2; }},
      {"/linux/resources/cpu/mems", [](Resources& r) { r.cpu.emplace().mems = "0"; }},
      {"/linux/resources/pids/limit", [](Resources& r) { r.pids_limit = 0; }},
      {"/linux/resources/blockIO/weight", [](Resources& r) { r.block_io.emplace().weight = 10; }},
      {"/linux/resources/blockIO/throttleReadIOPSDevice",
       [](Resources& r) {
         r.block_io.emplace().throttle_read_iops.push_back({8, 0, 1});
       }},
      {"/linux/resources/hugepageLimits/0",
       [](Resources& r) {
         r.hugepage_limits.push_back({"2MB", 1});
       }},
      {"/linux/resources/network/classID", [](Resources& r) { r.network.emplace().class_id = 1; }},
      {"/linux/resources/rdma/mlx~15", [](Resources& r) { r.rdma["mlx/5"] = {}; }},
      {"/linux/resources/unified/a~0b", [](Resources& r) { r.unified["a~b"] = "1"; }},
  };
  for (const Case& item : cases) {
    Resources resources;
    item.set(resources);
    CHECK(refused_at(resources) == item.origin);
    CHECK(refused_at(resources, true) == item.origin);
  }
  Resources limited;
  limited.memory.emplace().limit = 1;
  CHECK_THROWS_WITH(refuse_unsupported(limited, false),
                    Catch::Contains("resource limits are not supported by this version of ocx"));
}

TEST_CASE("objects without a property are no limits", "[cgroups]") {
  Resources resources;
  resources.memory.emplace();
  resources.cpu.emplace();
  resources.block_io.emplace();
  resources.network.emplace();
  resources.has_pids = true;
  CHECK(refused_at(resources).empty());
}

TEST_CASE("without the v1 controller only the lone deny-all rule is taken", "[cgroups]") {
  const ocx::spec::DeviceRule deny_all{false, 'a', std::nullopt, std::nullopt, true, true, true};
  const ocx::spec::DeviceRule null{true, 'c', 1, 3, true, true, true};
  const ocx::spec::DeviceRule partial{false, 'a', std::nullopt, std::nullopt, true, false, false};
  Resources resources;
  resources.devices = {deny_all};
  CHECK(refused_at(resources, true).empty());
  resources.devices = {deny_all, null};
  CHECK(refused_at(resources, true) == "/linux/resources/devices/1");
  CHECK(refused_at(resources, false).empty());
  resources.devices = {null};
  CHECK(refused_at(resources, true) == "/linux/resources/devices/0");
  resources.devices = {partial};
  CHECK(refused_at(resources, true) == "/linux/resources/devices/0");
}
