#include "spec/stats.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "spec/usage.hpp"

using namespace ocx::spec;
using nlohmann::json;

TEST_CASE("without any figure the event has runc's keys", "[spec]") {
  CHECK(write_stats_event("a", {}) ==
        R"({"type":"stats","id":"a","data":{"cpu":{"usage":{"kernel":0,"user":0},"throttling":{}},)"
        R"("cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,)"
        R"("memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,)"
        R"("sched_relax_domain_level":0},"memory":{"usage":{"limit":0,"failcnt":0},)"
        R"("swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},)"
        R"("kernelTCP":{"limit":0,"failcnt":0}},"pids":{},"blkio":{},"hugetlb":{},"intel_rdt":{},)"
        R"("network_interfaces":null}})");
  CHECK(write_oom_event("a") == R"({"type":"oom","id":"a"})");
}

TEST_CASE("each figure is under runc's key", "[spec]") {
  Stats stats;
  CpuStats& cpu = stats.cpu.emplace();
  cpu.total = 30;
  cpu.kernel = 10;
  cpu.user = 20;
  cpu.percpu = {29, 1};
  cpu.percpu_kernel = {10, 0};
  cpu.percpu_user = {19, 1};
  cpu.periods = 5;
  cpu.throttled_periods = 4;
  cpu.throttled_time = 3;
  cpu.pressure = Pressure{{1.5, 2, 3, 4}, {0, 0, 0, 5}};
  stats.cpuset.emplace().cpus = {0, 2};
  stats.cpuset->sched_relax_domain_level = -1;
  MemoryStats& memory = stats.memory.emplace();
  memory.usage = {unlimited, 2, 3, 4};
  memory.raw = {{"anon", 1}, {"\xff", 2}};
  memory.cache = 9;
  stats.pids = PidsStats{3, 0};
  stats.block_io.emplace().service_bytes = {{8, 0, "Read", 7}, {8, 1, "Write", 0}};
  stats.block_io->time = {{8, 0, "", 5}};
  stats.hugetlb["2MB"] = {1, 2, 3};
  const json data = json::parse(write_stats_event("a", stats))["data"];
  CHECK(data["cpu"]["usage"] == json::parse(R"({"total":30,"percpu":[29,1],"percpu_kernel":[10,0],
    "percpu_user":[19,1],"kernel":10,"user":20})"));
  CHECK(data["cpu"]["throttling"] == json::parse(R"({"periods":5,"throttledPeriods":4,"throttledTime":3})"));
  CHECK(data["cpu"]["psi"]["some"] == json::parse(R"({"avg10":1.5,"avg60":2.0,"avg300":3.0,"total":4})"));
  CHECK(data["cpu"]["psi"]["full"]["total"] == 5);
  CHECK(data["cpuset"]["cpus"] == json({0, 2}));
  CHECK(data["cpuset"]["sched_relax_domain_level"] == -1);
  CHECK(data["memory"]["usage"] ==
        json::parse(R"({"limit":18446744073709551615,"usage":2,"max":3,"failcnt":4})"));
  CHECK(data["memory"]["raw"]["anon"] == 1);
  CHECK(data["memory"]["cache"] == 9);
  CHECK(data["pids"] == json::parse(R"({"current":3,"limit":0})"));
  CHECK(data["blkio"]["ioServiceBytesRecursive"] ==
        json::parse(R"([{"major":8,"op":"Read","value":7},{"major":8,"minor":1,"op":"Write"}])"));
  CHECK(data["blkio"]["ioTimeRecursive"] == json::parse(R"([{"major":8,"value":5}])"));
  CHECK(data["hugetlb"] == json::parse(R"({"2MB":{"usage":1,"max":2,"failcnt":3}})"));
}

TEST_CASE("usage for scripts: what is not known is null", "[spec]") {
  Usage usage;
  usage.id = "a";
  usage.memory = 1;
  usage.memory_limit = 3;
  usage.cpu_percent = 12.3456;
  const json document = json::parse(write_usage(usage));
  CHECK(document == json::parse(R"({"id":"a","status":"running",
    "cpu":{"percent":12.35,"throttledPercent":null},
    "memory":{"used":1,"reclaimable":null,"limit":3,"percent":33.33},
    "pids":{"current":null,"limit":null},"io":{"read":null,"written":null},
    "pressure":{"cpu":null,"memory":null,"io":null}})"));
  usage.memory_limit = 0;
  CHECK_FALSE(usage.memory_percent());
}
