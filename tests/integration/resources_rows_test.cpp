// linux.resources (config-linux.md): each setting is in the file that the kernel reads it from.
#include <catch2/catch.hpp>
#include <unistd.h>

#include <limits>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

struct FileValue {
  std::string file, line;  // MAJOR:MINOR stands for a disk of this machine
};

struct Row {
  std::string resources;  // a JSON merge patch of linux.resources
  std::vector<FileValue> v1, v2;
  bool runc = true;  // runc 1.1 has it, too
};

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string with_disk(const std::string& text) {
  auto disk = some_disk();
  if (!disk) return text;
  return replace_all(replace_all(text, "MAJOR", std::to_string(disk->major)), "MINOR",
                     std::to_string(disk->minor));
}

void check_row(Bundle& bundle, const std::string& controller, const Row& row) {
  const std::vector<FileValue>& expected = cgroup_v2() ? row.v2 : row.v1;
  if (expected.empty() || (!row.runc && runtime_is_runc())) return;
  INFO(row.resources);
  bundle.config["linux"]["resources"] = default_config()["linux"]["resources"];
  bundle.config["linux"]["resources"].merge_patch(json::parse(with_disk(row.resources)));
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const FileValue& item : expected) {
    std::string text = limit_file(container, controller, item.file);
    INFO(item.file << " says: " << text << "\nexpected: " << with_disk(item.line));
    CHECK(has_line(text, with_disk(item.line)));
  }
}

void check_rows(const std::string& controller, const std::vector<Row>& rows) {
  Bundle bundle;
  for (const Row& row : rows) check_row(bundle, controller, row);
}

// What v1 shows for "no limit": the largest multiple of a page.
const std::string unlimited = std::to_string(std::numeric_limits<long>::max() / 4096 * 4096);

}  // namespace

TEST_CASE("memory limits are in the kernel's files", "[resources][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  check_rows(
      "memory",
      {{R"({"memory": {"limit": 67108864}})",
        {{"memory.limit_in_bytes", "67108864"}},
        {{"memory.max", "67108864"}}},
       {R"({"memory": {"limit": -1}})", {{"memory.limit_in_bytes", unlimited}}, {{"memory.max", "max"}}},
       {R"({"memory": {"reservation": 33554432}})",
        {{"memory.soft_limit_in_bytes", "33554432"}, {"memory.limit_in_bytes", unlimited}},
        {{"memory.low", "33554432"}, {"memory.max", "max"}}},
       {R"({"memory": {"limit": 67108864, "reservation": 33554432}})",
        {{"memory.soft_limit_in_bytes", "33554432"}, {"memory.limit_in_bytes", "67108864"}},
        {{"memory.low", "33554432"}, {"memory.max", "67108864"}}},
       {R"({"memory": {"limit": 67108864, "useHierarchy": true}})",
        {{"memory.limit_in_bytes", "67108864"}, {"memory.use_hierarchy", "1"}},
        {{"memory.max", "67108864"}}},
       {R"({"memory": {"limit": 67108864, "checkBeforeUpdate": true}})",
        {{"memory.limit_in_bytes", "67108864"}},
        {{"memory.max", "67108864"}}}});
}

TEST_CASE("memory.swap is memory and swap together", "[resources][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  check_rows("memory",
             {{R"({"memory": {"limit": 67108864, "swap": 134217728}})",
               {{"memory.memsw.limit_in_bytes", "134217728"}, {"memory.limit_in_bytes", "67108864"}},
               {{"memory.swap.max", "67108864"}, {"memory.max", "67108864"}}},
              {R"({"memory": {"limit": 67108864, "swap": 67108864}})",
               {{"memory.memsw.limit_in_bytes", "67108864"}},
               {{"memory.swap.max", "0"}}},
              {R"({"memory": {"limit": 67108864, "swap": -1}})",
               {{"memory.memsw.limit_in_bytes", unlimited}},
               {{"memory.swap.max", "max"}, {"memory.max", "67108864"}}},
              {R"({"memory": {"limit": -1, "swap": -1}})",
               {{"memory.memsw.limit_in_bytes", unlimited}},
               {{"memory.swap.max", "max"}, {"memory.max", "max"}}}});
}

TEST_CASE("v1 has memory settings of its own", "[resources][memory][v1]") {
  if (cgroup_mounts().count("memory") == 0) SKIP_TEST("no v1 memory controller here");
  check_rows(
      "memory",
      {{R"({"memory": {"swappiness": 30}})", {{"memory.swappiness", "30"}}, {}},
       {R"({"memory": {"swappiness": 0}})", {{"memory.swappiness", "0"}}, {}},
       {R"({"memory": {"disableOOMKiller": true}})", {{"memory.oom_control", "oom_kill_disable 1"}}, {}},
       {R"({"memory": {"disableOOMKiller": false}})", {{"memory.oom_control", "oom_kill_disable 0"}}, {}},
       {R"({"memory": {"kernelTCP": 8388608}})",
        {{"memory.kmem.tcp.limit_in_bytes", "8388608"}},
        {},
        false}});
}

TEST_CASE("cpu limits are in the kernel's files", "[resources][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  check_rows(
      "cpu",
      {{R"({"cpu": {"quota": 50000, "period": 200000}})",
        {{"cpu.cfs_quota_us", "50000"}, {"cpu.cfs_period_us", "200000"}},
        {{"cpu.max", "50000 200000"}}},
       {R"({"cpu": {"quota": 20000}})", {{"cpu.cfs_quota_us", "20000"}}, {{"cpu.max", "20000 100000"}}},
       {R"({"cpu": {"period": 50000}})", {{"cpu.cfs_period_us", "50000"}}, {{"cpu.max", "max 50000"}}},
       {R"({"cpu": {"quota": -1}})", {{"cpu.cfs_quota_us", "-1"}}, {{"cpu.max", "max 100000"}}},
       {R"({"cpu": {"quota": 0}})", {{"cpu.cfs_quota_us", "-1"}}, {{"cpu.max", "max 100000"}}},
       // A period that is longer than the default, and a quota above that.
       {R"({"cpu": {"quota": 400000, "period": 1000000}})",
        {{"cpu.cfs_quota_us", "400000"}, {"cpu.cfs_period_us", "1000000"}},
        {{"cpu.max", "400000 1000000"}}},
       {R"({"cpu": {"quota": 50000, "burst": 10000}})",
        {{"cpu.cfs_quota_us", "50000"}, {"cpu.cfs_burst_us", "10000"}},
        {{"cpu.max", "50000 100000"}, {"cpu.max.burst", "10000"}},
        false},
       {R"({"cpu": {"idle": 1}})", {{"cpu.idle", "1"}}, {{"cpu.idle", "1"}}, false},
       {R"({"cpu": {"idle": 0}})", {{"cpu.idle", "0"}}, {{"cpu.idle", "0"}}, false}});
}

TEST_CASE("cpu.shares become a weight on v2: the default stays the default", "[resources][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  std::vector<Row> rows;
  for (auto [shares, weight] : std::vector<std::pair<int, int>>{
           {2, 1}, {64, 12}, {512, 59}, {1024, 100}, {2048, 174}, {262144, 10000}})
    rows.push_back({R"({"cpu": {"shares": )" + std::to_string(shares) + "}}",
                    {{"cpu.shares", std::to_string(shares)}},
                    {{"cpu.weight", std::to_string(weight)}}});
  rows.push_back(
      {R"({"cpu": {"shares": 999999999}})", {{"cpu.shares", "262144"}}, {{"cpu.weight", "10000"}}, false});
  check_rows("cpu", rows);
}

TEST_CASE("v1 has realtime bandwidth", "[resources][cpu][v1]") {
  if (cgroup_mounts().count("cpu") == 0) SKIP_TEST("no v1 cpu controller here");
  if (!fs::exists(cgroup_mounts().at("cpu") / "cpu.rt_runtime_us")) SKIP_TEST("no realtime groups here");
  check_rows("cpu", {{R"({"cpu": {"realtimeRuntime": 10000, "realtimePeriod": 500000}})",
                      {{"cpu.rt_runtime_us", "10000"}, {"cpu.rt_period_us", "500000"}},
                      {}},
                     {R"({"cpu": {"realtimePeriod": 750000}})", {{"cpu.rt_period_us", "750000"}}, {}}});
}

TEST_CASE("without a setting nothing is written: what a cgroup has stays", "[resources][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  // A scope of systemd's can't be there before its first process: the tests of the driver have this.
  if (systemd_cgroups()) return;
  Bundle bundle;
  std::string name = unique_id();
  bundle.config["linux"]["cgroupsPath"] = cgroups_path(name);
  std::string file = cgroup_v2() ? "cpu.max" : "cpu.cfs_quota_us";
  Path directory = cgroup_mounts().at(cgroup_v2() ? "" : "cpu") / name;
  for (const char* resources : {"{}", R"({"cpu": {"shares": 512}})", R"({"cpu": {"idle": 0}})",
                                R"({"memory": {"limit": 67108864}})"}) {
    INFO(resources);
    fs::create_directories(directory);
    write_file(directory / file, "30000");
    bundle.config["linux"]["resources"].merge_patch(json::parse(resources));
    Container container(bundle);
    REQUIRE_OK(container.create());
    CHECK(limit_file(container, "cpu", file) == (cgroup_v2() ? "30000 100000" : "30000"));
  }
  rmdir(directory.c_str());
}

TEST_CASE("pids.limit is in the kernel's file", "[resources][pids]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  std::vector<FileValue> all{{"pids.max", "max"}};
  check_rows("pids", {{R"({"pids": {"limit": 32}})", {{"pids.max", "32"}}, {{"pids.max", "32"}}},
                      {R"({"pids": {"limit": 1}})", {{"pids.max", "1"}}, {{"pids.max", "1"}}},
                      {R"({"pids": {"limit": -1}})", all, all},
                      {R"({"pids": {}})", all, all}});
}

TEST_CASE("block I/O is throttled by device", "[resources][blkio]") {
  bool v2 = cgroup_v2();
  if (!has_controller(v2 ? "io" : "blkio")) SKIP_TEST("no block I/O controller here");
  if (!some_disk()) SKIP_TEST("no disk here");
  auto row = [](const std::string& key, const std::string& v1, const std::string& v2_value) {
    return Row{R"({"blockIO": {")" + key + R"(": [{"major": MAJOR, "minor": MINOR, "rate": 1048576}]}})",
               {{"blkio.throttle." + v1, "MAJOR:MINOR 1048576"}},
               {{"io.max", "MAJOR:MINOR " + v2_value}}};
  };
  check_rows(
      v2 ? "io" : "blkio",
      {row("throttleReadBpsDevice", "read_bps_device", "rbps=1048576 wbps=max riops=max wiops=max"),
       row("throttleWriteBpsDevice", "write_bps_device", "rbps=max wbps=1048576 riops=max wiops=max"),
       row("throttleReadIOPSDevice", "read_iops_device", "rbps=max wbps=max riops=1048576 wiops=max"),
       row("throttleWriteIOPSDevice", "write_iops_device", "rbps=max wbps=max riops=max wiops=1048576"),
       {R"({"blockIO": {"throttleReadBpsDevice": [{"major": MAJOR, "minor": MINOR, "rate": 7000000}],
                               "throttleWriteIOPSDevice": [{"major": MAJOR, "minor": MINOR, "rate": 90}]}})",
        {{"blkio.throttle.read_bps_device", "MAJOR:MINOR 7000000"},
         {"blkio.throttle.write_iops_device", "MAJOR:MINOR 90"}},
        {{"io.max", "MAJOR:MINOR rbps=7000000 wbps=max riops=max wiops=90"}}}});
}

TEST_CASE("block I/O has weights", "[resources][blkio][qemu]") {
  bool v2 = cgroup_v2();
  if (!has_controller(v2 ? "io" : "blkio")) SKIP_TEST("no block I/O controller here");
  Bundle bundle;
  bundle.config["linux"]["resources"]["blockIO"] = {{"weight", 500}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, v2 ? "io" : "blkio");
  // The scheduler BFQ has the weight of v1; the I/O cost model has its own range, 1 to 10000.
  if (!v2 && fs::exists(directory / "blkio.weight")) {
    CHECK(limit_file(container, "blkio", "blkio.weight") == "500");
  } else if (!v2) {
    CHECK(limit_file(container, "blkio", "blkio.bfq.weight") == "500");
  } else if (fs::exists(directory / "io.bfq.weight")) {
    CHECK(has_line(limit_file(container, "io", "io.bfq.weight"), "default 500"));
  } else {
    CHECK(has_line(limit_file(container, "io", "io.weight"), "default 4950"));
  }
}

TEST_CASE("weights by device are in the kernel's file, or named in the error", "[resources][blkio][qemu]") {
  ONLY_OCX("runc names the file");
  bool v2 = cgroup_v2();
  if (!has_controller(v2 ? "io" : "blkio")) SKIP_TEST("no block I/O controller here");
  if (!some_disk()) SKIP_TEST("no disk here");
  Bundle bundle;
  DiskNumber disk = *some_disk();
  bundle.config["linux"]["resources"]["blockIO"] = {
      {"weightDevice", {{{"major", disk.major}, {"minor", disk.minor}, {"weight", 300}}}}};
  Container container(bundle);
  Result created = container.create();
  // The disk has to have BFQ as its scheduler, or a cost model: the machine's matter.
  if (created.status != 0) {
    CHECK(contains(error_message(created), "/linux/resources/blockIO/weightDevice/0/weight"));
    return;
  }
  Path directory = limit_directory(container, v2 ? "io" : "blkio");
  std::string all;
  for (const char* file : {"blkio.bfq.weight_device", "io.bfq.weight"}) all += read_file(directory / file);
  std::string iocost = read_file(directory / "io.weight");
  CHECK((has_line(all, disk.text() + " 300") || has_line(iocost, disk.text() + " 2930")));
}

TEST_CASE("cpus and mems are in the kernel's files", "[resources][cpuset][qemu]") {
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  std::vector<FileValue> both{{"cpuset.cpus", "0"}, {"cpuset.mems", "0"}};
  check_rows("cpuset", {{R"({"cpu": {"cpus": "0", "mems": "0"}})", both, both},
                        {R"({"cpu": {"cpus": "0"}})", {{"cpuset.cpus", "0"}}, {{"cpuset.cpus", "0"}}},
                        {R"({"cpu": {"mems": "0"}})", {{"cpuset.mems", "0"}}, {{"cpuset.mems", "0"}}}});
}

TEST_CASE("a cpuset far down gets its CPUs from above", "[resources][cpuset][qemu]") {
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  if (systemd_cgroups()) return;  // a scope is below one slice
  Bundle bundle;
  std::string name = unique_id();
  bundle.config["linux"]["cgroupsPath"] = "/" + name + "/deep/er";
  bundle.config["linux"]["resources"]["cpu"] = {{"cpus", "0"}};
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    CHECK(limit_file(container, "cpuset", "cpuset.cpus") == "0");
    std::string mems = cgroup_v2() ? "cpuset.mems.effective" : "cpuset.mems";
    CHECK_FALSE(limit_file(container, "cpuset", mems).empty());
  }
  for (const auto& [controller, mount] : cgroup_mounts())
    for (const char* part : {"/deep", ""}) rmdir((mount.string() + "/" + name + part).c_str());
}

TEST_CASE("huge pages are limited by their size, reservations too", "[resources][hugetlb][qemu]") {
  if (!has_controller("hugetlb")) SKIP_TEST("no hugetlb controller here");
  if (!fs::exists("/sys/kernel/mm/hugepages/hugepages-2048kB")) SKIP_TEST("no huge pages of 2 MiB here");
  NOT_ON_RUNC("1.1 has no hugetlb on hybrid hosts");
  std::vector<FileValue> v1{{"hugetlb.2MB.limit_in_bytes", "8388608"},
                            {"hugetlb.2MB.rsvd.limit_in_bytes", "8388608"}};
  std::vector<FileValue> v2{{"hugetlb.2MB.max", "8388608"}, {"hugetlb.2MB.rsvd.max", "8388608"}};
  bool as_v1 = cgroup_mounts().count("hugetlb") != 0;
  check_rows("hugetlb",
             {{R"({"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]})", as_v1 ? v1 : v2, v2}});
}

TEST_CASE("v1 tags packets and gives them priorities", "[resources][network][v1]") {
  if (cgroup_mounts().count("net_cls") == 0) SKIP_TEST("no v1 net_cls controller here");
  if (cgroup_mounts().count("net_prio") == 0) SKIP_TEST("no v1 net_prio controller here");
  check_rows("net_cls", {{R"({"network": {"classID": 1048577}})", {{"net_cls.classid", "1048577"}}, {}}});
  check_rows("net_prio", {{R"({"network": {"priorities": [{"name": "lo", "priority": 5}]}})",
                           {{"net_prio.ifpriomap", "lo 5"}},
                           {}}});
}

TEST_CASE("unified settings go to the files they name", "[resources][unified][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  Row row{R"({"memory": {"limit": 67108864},
              "unified": {"memory.high": "33554432", "pids.max": "17", "memory.max": "50331648",
                          "cgroup.max.depth": "7"}})",
          {},
          {{"memory.high", "33554432"},
           {"pids.max", "17"},
           {"memory.max", "50331648"},
           {"cgroup.max.depth", "7"}}};
  check_rows("memory", {row});
}

TEST_CASE("a unified setting may have several lines", "[resources][unified][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  if (!has_controller("io") || !some_disk()) SKIP_TEST("no disk to throttle here");
  check_rows("io", {{R"({"unified": {"io.max": "MAJOR:MINOR rbps=2097152\nMAJOR:MINOR wiops=120"}})",
                     {},
                     {{"io.max", "MAJOR:MINOR rbps=2097152 wbps=max riops=max wiops=120"}}}});
}

TEST_CASE("limits are in force when the first hook runs", "[resources][hooks]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  Path log = bundle.scratch() / "limit";
  std::string hierarchy = cgroup_v2() ? "" : "pids";
  write_file(bundle.scratch() / "limit.sh",
             "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
             "cat " +
                 cgroup_mounts().at(hierarchy).string() + "$(sed -n '" +
                 (cgroup_v2() ? "s/^0:://p" : "s/^[0-9]*:pids://p") + "' /proc/$pid/cgroup)/pids.max >>" +
                 log.string() + "\n");
  for (const char* kind : {"prestart", "createRuntime"})
    bundle.config["hooks"][kind] = {{{"path", "/bin/sh"}, {"args", {"sh", bundle.scratch() / "limit.sh"}}}};
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 23}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(read_file(log) == "23\n23\n");
}

TEST_CASE("limits hold together with a path of one's own", "[resources]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  std::string name = unique_id();
  bundle.config["linux"]["cgroupsPath"] = cgroups_path(name);
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 11}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path place = cgroup_mounts().at(cgroup_v2() ? "" : "pids").string() + cgroup_place(name).string();
  CHECK(read_file(place / "pids.max") == "11\n");
}
