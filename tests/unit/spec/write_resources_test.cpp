#include "spec/write_resources.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "spec/parse.hpp"
#include "sys/error.hpp"

using namespace ocx;

namespace {

std::string written(const std::string& document) {
  spec::Warnings warnings;
  return spec::write_resources(spec::parse_resources(document, warnings));
}

}  // namespace

TEST_CASE("every property of resources is written as it was read", "[resources]") {
  // One row each: a property that is forgotten fails alone.
  for (const char* document : {
           R"({})",
           R"({"devices":[{"access":"rwm","allow":false,"type":"a"}]})",
           R"({"devices":[{"access":"r","allow":true,"major":1,"minor":3,"type":"c"},
                          {"access":"wm","allow":true,"major":8,"type":"b"}]})",
           R"({"memory":{"limit":1073741824}})",
           R"({"memory":{"limit":-1,"reservation":1,"swap":-1}})",
           R"({"memory":{"kernel":5,"kernelTCP":6}})",
           R"({"memory":{"swappiness":0}})",
           R"({"memory":{"disableOOMKiller":false,"useHierarchy":true}})",
           R"({"memory":{"checkBeforeUpdate":true}})",
           R"({"memory":{}})",
           R"({"cpu":{"shares":18446744073709551615}})",
           R"({"cpu":{"quota":-1,"period":100000,"burst":0}})",
           R"({"cpu":{"realtimeRuntime":-1,"realtimePeriod":1000000}})",
           R"({"cpu":{"cpus":"0-3,7","mems":"0"}})",
           R"({"cpu":{"cpus":"","idle":1}})",
           R"({"pids":{"limit":0}})",
           R"({"pids":{"limit":-1}})",
           R"({"pids":{}})",
           R"({"blockIO":{"weight":10,"leafWeight":1000}})",
           R"({"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":500},
                                          {"major":8,"minor":16,"leafWeight":300}]}})",
           R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":600}]}})",
           R"({"blockIO":{"throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":600}]}})",
           R"({"blockIO":{"throttleReadIOPSDevice":[{"major":8,"minor":0,"rate":600}]}})",
           R"({"blockIO":{"throttleWriteIOPSDevice":[{"major":8,"minor":0,"rate":600}]}})",
           R"({"hugepageLimits":[{"pageSize":"2MB","limit":0},{"pageSize":"1GB","limit":9}]})",
           R"({"network":{"classID":1048577,"priorities":[{"name":"eth0","priority":500}]}})",
           R"({"rdma":{"mlx5_1":{"hcaHandles":3},"mlx5_2":{"hcaObjects":10000}}})",
           R"({"unified":{"memory.high":"1\n2","io.max":"8:0 rbps=\"x\""}})",
       }) {
    INFO(document);
    CHECK(nlohmann::json::parse(written(document)) == nlohmann::json::parse(document));
  }
}

TEST_CASE("resources with text that is no UTF-8 can't be written", "[resources]") {
  spec::Resources resources;
  resources.unified["x"] = "\xff";
  CHECK_THROWS_AS(spec::write_resources(resources), Error);
}
