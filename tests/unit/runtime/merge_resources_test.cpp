#include "runtime/merge_resources.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "spec/parse.hpp"
#include "spec/write_resources.hpp"
#include "sys/error.hpp"

using namespace ocx;
using nlohmann::json;

namespace {

spec::Resources resources(const std::string& document) {
  spec::Warnings warnings;
  return spec::parse_resources(document, warnings);
}

struct Row {
  const char* what;
  std::string in_force, request;
  const char *write, *next;
};

void check(const Row& row) {
  INFO(row.what);
  const runtime::ResourceUpdate update =
      runtime::merge_resources(resources(row.in_force), resources(row.request));
  CHECK(json::parse(spec::write_resources(update.write)) == json::parse(row.write));
  CHECK(json::parse(spec::write_resources(update.next)) == json::parse(row.next));
  CHECK(update.empty() == (json::parse(row.write).empty()));
}

std::string error_of(const std::string& in_force, const std::string& request) {
  try {
    runtime::merge_resources(resources(in_force), resources(request));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid_config);
    return error.origin();
  }
  return "no error";
}

}  // namespace

TEST_CASE("only what is asked for is written, and the rest stays on record", "[update]") {
  const std::string all =
      R"({"memory":{"limit":100,"reservation":50},"cpu":{"shares":512,"cpus":"0","burst":5,"quota":2000},"pids":{"limit":7}})";
  for (
      const Row& row : {
          Row{"nothing", all, "{}", "{}", all.c_str()},
          Row{"empty objects", all, R"({"memory":{},"cpu":{},"pids":{},"blockIO":{},"network":{}})", "{}",
              all.c_str()},
          Row{"zeros and empty texts are what engines write for nothing", all,
              R"({"memory":{"limit":0,"reservation":0,"swap":0,"kernel":0,"kernelTCP":0},
                   "cpu":{"shares":0,"quota":0,"period":0,"realtimeRuntime":0,"realtimePeriod":0,"cpus":"","mems":""},
                   "blockIO":{"weight":0,"leafWeight":0}})",
              "{}", all.c_str()},
          Row{"one of memory", all, R"({"memory":{"reservation":60}})", R"({"memory":{"reservation":60}})",
              R"({"memory":{"limit":100,"reservation":60},"cpu":{"shares":512,"cpus":"0","burst":5,"quota":2000},"pids":{"limit":7}})"},
          Row{"one of cpu", all, R"({"cpu":{"cpus":"1"}})", R"({"cpu":{"cpus":"1"}})",
              R"({"memory":{"limit":100,"reservation":50},"cpu":{"shares":512,"cpus":"1","burst":5,"quota":2000},"pids":{"limit":7}})"},
          Row{"pids, 0 is a limit", "{}", R"({"pids":{"limit":0}})", R"({"pids":{"limit":0}})",
              R"({"pids":{"limit":0}})"},
          Row{"idle 0 and burst 0 are values", "{}", R"({"cpu":{"idle":0,"burst":0}})",
              R"({"cpu":{"idle":0,"burst":0}})", R"({"cpu":{"idle":0,"burst":0}})"},
          Row{"the first of all", "{}",
              R"({"memory":{"swappiness":0,"disableOOMKiller":false,"useHierarchy":true}})",
              R"({"memory":{"swappiness":0,"disableOOMKiller":false,"useHierarchy":true}})",
              R"({"memory":{"swappiness":0,"disableOOMKiller":false,"useHierarchy":true}})"},
      })
    check(row);
}

TEST_CASE("devices never reach the kernel, and stay on record", "[update]") {
  const char* deny = R"({"devices":[{"access":"rwm","allow":false,"type":"a"}]})";
  check({"devices", deny, R"({"devices":[{"allow":true,"access":"rwm","type":"a"}]})", "{}", deny});
}

TEST_CASE("values that the kernel takes in pairs are written in pairs", "[update]") {
  for (const Row& row : {
           Row{"only quota", R"({"cpu":{"quota":1000,"period":5000,"shares":9}})",
               R"({"cpu":{"quota":2000}})", R"({"cpu":{"quota":2000,"period":5000}})",
               R"({"cpu":{"quota":2000,"period":5000,"shares":9}})"},
           Row{"only period", R"({"cpu":{"quota":1000,"period":5000}})", R"({"cpu":{"period":6000}})",
               R"({"cpu":{"quota":1000,"period":6000}})", R"({"cpu":{"quota":1000,"period":6000}})"},
           Row{"quota without a period on record", "{}", R"({"cpu":{"quota":-1}})", R"({"cpu":{"quota":-1}})",
               R"({"cpu":{"quota":-1}})"},
           Row{"real time", R"({"cpu":{"realtimeRuntime":10,"realtimePeriod":50}})",
               R"({"cpu":{"realtimePeriod":60}})", R"({"cpu":{"realtimeRuntime":10,"realtimePeriod":60}})",
               R"({"cpu":{"realtimeRuntime":10,"realtimePeriod":60}})"},
           Row{"memory with the sum of both", R"({"memory":{"limit":100,"swap":300}})",
               R"({"memory":{"limit":200}})", R"({"memory":{"limit":200,"swap":300}})",
               R"({"memory":{"limit":200,"swap":300}})"},
           Row{"swap needs the limit", R"({"memory":{"limit":100}})", R"({"memory":{"swap":200}})",
               R"({"memory":{"limit":100,"swap":200}})", R"({"memory":{"limit":100,"swap":200}})"},
           Row{"no limit takes the one of both away", R"({"memory":{"limit":100,"swap":300}})",
               R"({"memory":{"limit":-1}})", R"({"memory":{"limit":-1,"swap":-1}})",
               R"({"memory":{"limit":-1,"swap":-1}})"},
           Row{"where there was none of both nothing is added", R"({"memory":{"limit":100}})",
               R"({"memory":{"limit":-1}})", R"({"memory":{"limit":-1}})", R"({"memory":{"limit":-1}})"},
           Row{"checkBeforeUpdate of create counts for each limit",
               R"({"memory":{"limit":100,"checkBeforeUpdate":true}})", R"({"memory":{"limit":50}})",
               R"({"memory":{"limit":50,"checkBeforeUpdate":true}})",
               R"({"memory":{"limit":50,"checkBeforeUpdate":true}})"},
           Row{"but writes nothing alone", R"({"memory":{"limit":100}})",
               R"({"memory":{"reservation":5,"checkBeforeUpdate":true}})", R"({"memory":{"reservation":5}})",
               R"({"memory":{"limit":100,"reservation":5,"checkBeforeUpdate":true}})"},
       })
    check(row);
}

TEST_CASE("idle and shares exclude each other", "[update]") {
  for (const Row& row : {
           Row{"becoming idle resets shares", R"({"cpu":{"shares":512}})", R"({"cpu":{"idle":1}})",
               R"({"cpu":{"idle":1}})", R"({"cpu":{"idle":1}})"},
           Row{"no longer idle", R"({"cpu":{"idle":1}})", R"({"cpu":{"idle":0,"shares":77}})",
               R"({"cpu":{"idle":0,"shares":77}})", R"({"cpu":{"idle":0,"shares":77}})"},
           Row{"no change of idle keeps shares", R"({"cpu":{"shares":512}})", R"({"cpu":{"idle":0}})",
               R"({"cpu":{"idle":0}})", R"({"cpu":{"idle":0,"shares":512}})"},
           Row{"create's own words again", R"({"cpu":{"idle":1,"shares":512}})",
               R"({"cpu":{"idle":1,"shares":512}})", R"({"cpu":{"idle":1}})",
               R"({"cpu":{"idle":1,"shares":512}})"},
           Row{"the same shares alone ask for nothing", R"({"cpu":{"idle":1,"shares":512}})",
               R"({"cpu":{"shares":512}})", "{}", R"({"cpu":{"idle":1,"shares":512}})"},
       })
    check(row);
  CHECK(error_of(R"({"cpu":{"idle":1}})", R"({"cpu":{"shares":5}})") == "/cpu/shares");
  CHECK(error_of("{}", R"({"cpu":{"idle":1,"shares":5}})") == "/cpu/shares");
}

TEST_CASE("lists and maps are merged by key", "[update]") {
  for (
      const Row& row : {
          Row{"throttled devices",
              R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1},{"major":8,"minor":16,"rate":2}]}})",
              R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":16,"rate":3},{"major":9,"minor":0,"rate":4}]}})",
              R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":16,"rate":3},{"major":9,"minor":0,"rate":4}]}})",
              R"({"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1},{"major":8,"minor":16,"rate":3},{"major":9,"minor":0,"rate":4}]}})"},
          Row{"each of the other lists", "{}",
              R"({"blockIO":{"weight":20,"leafWeight":30,"weightDevice":[{"major":1,"minor":2,"weight":50}],
                   "throttleWriteBpsDevice":[{"major":1,"minor":2,"rate":3}],
                   "throttleReadIOPSDevice":[{"major":1,"minor":2,"rate":4}],
                   "throttleWriteIOPSDevice":[{"major":1,"minor":2,"rate":5}]}})",
              R"({"blockIO":{"weight":20,"leafWeight":30,"weightDevice":[{"major":1,"minor":2,"weight":50}],
                   "throttleWriteBpsDevice":[{"major":1,"minor":2,"rate":3}],
                   "throttleReadIOPSDevice":[{"major":1,"minor":2,"rate":4}],
                   "throttleWriteIOPSDevice":[{"major":1,"minor":2,"rate":5}]}})",
              R"({"blockIO":{"weight":20,"leafWeight":30,"weightDevice":[{"major":1,"minor":2,"weight":50}],
                   "throttleWriteBpsDevice":[{"major":1,"minor":2,"rate":3}],
                   "throttleReadIOPSDevice":[{"major":1,"minor":2,"rate":4}],
                   "throttleWriteIOPSDevice":[{"major":1,"minor":2,"rate":5}]}})"},
          Row{"page sizes",
              R"({"hugepageLimits":[{"pageSize":"2MB","limit":1},{"pageSize":"1GB","limit":2}]})",
              R"({"hugepageLimits":[{"pageSize":"1GB","limit":3}]})",
              R"({"hugepageLimits":[{"pageSize":"1GB","limit":3}]})",
              R"({"hugepageLimits":[{"pageSize":"2MB","limit":1},{"pageSize":"1GB","limit":3}]})"},
          Row{"network", R"({"network":{"classID":1,"priorities":[{"name":"a","priority":1}]}})",
              R"({"network":{"priorities":[{"name":"b","priority":2},{"name":"a","priority":3}]}})",
              R"({"network":{"priorities":[{"name":"b","priority":2},{"name":"a","priority":3}]}})",
              R"({"network":{"classID":1,"priorities":[{"name":"a","priority":3},{"name":"b","priority":2}]}})"},
          Row{"rdma", R"({"rdma":{"m":{"hcaHandles":1,"hcaObjects":2}}})",
              R"({"rdma":{"m":{"hcaObjects":3},"n":{"hcaHandles":4}}})",
              R"({"rdma":{"m":{"hcaObjects":3},"n":{"hcaHandles":4}}})",
              R"({"rdma":{"m":{"hcaHandles":1,"hcaObjects":3},"n":{"hcaHandles":4}}})"},
          Row{"unified", R"({"unified":{"memory.high":"1","pids.max":"2"}})",
              R"({"unified":{"pids.max":"3"}})", R"({"unified":{"pids.max":"3"}})",
              R"({"unified":{"memory.high":"1","pids.max":"3"}})"},
      })
    check(row);
}

TEST_CASE("of a property and its unified file the later word counts", "[update]") {
  for (const Row& row : {
           Row{"memory.max makes the limit unknown", R"({"memory":{"limit":100,"swap":300,"reservation":5}})",
               R"({"unified":{"memory.max":"200"}})", R"({"unified":{"memory.max":"200"}})",
               R"({"memory":{"swap":300,"reservation":5},"unified":{"memory.max":"200"}})"},
           Row{"cpu.max", R"({"cpu":{"quota":1000,"period":5000,"shares":9}})",
               R"({"unified":{"cpu.max":"max 100000"}})", R"({"unified":{"cpu.max":"max 100000"}})",
               R"({"cpu":{"shares":9},"unified":{"cpu.max":"max 100000"}})"},
           Row{"the limit makes memory.max history",
               R"({"unified":{"memory.max":"200","memory.swap.max":"7"}})", R"({"memory":{"limit":100}})",
               R"({"memory":{"limit":100}})",
               R"({"memory":{"limit":100},"unified":{"memory.swap.max":"7"}})"},
       })
    check(row);
}

TEST_CASE("the rules of config.json hold for the outcome", "[update]") {
  CHECK(error_of(R"({"memory":{"limit":100,"swap":200}})", R"({"memory":{"limit":300}})") == "/memory/swap");
  CHECK(error_of(R"({"memory":{"limit":100,"swap":200}})", R"({"memory":{"swap":50}})") == "/memory/swap");
  CHECK(error_of(R"({"memory":{"limit":-1}})", R"({"memory":{"swap":50}})") == "/memory/swap");
  CHECK(error_of(R"({"cpu":{"quota":2000,"burst":1500}})", R"({"cpu":{"quota":1000}})") == "/cpu/burst");
  CHECK(error_of(R"({"cpu":{"realtimeRuntime":10}})", R"({"cpu":{"realtimePeriod":5}})") ==
        "/cpu/realtimeRuntime");
}
