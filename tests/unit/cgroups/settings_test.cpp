// The translation of linux.resources, row by row.
#include "cgroups/settings.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;
using ocx::spec::Resources;

namespace {

const Versions v1{{}, false}, v2{{}, true};

/// "file=value@origin", without "/linux/resources/"; "?" ends one that may be missing, "|file=value" is its
/// alternative.
std::string text_of(const Setting& setting) {
  std::string text = setting.file + "=" + setting.value + "@" + setting.origin.substr(17);
  if (!setting.other_file.empty()) text += "|" + setting.other_file + "=" + setting.other_value;
  if (setting.missing != Setting::Missing::error) text += "?";
  return text;
}

std::vector<std::string> translate(const Resources& resources, const Versions& versions) {
  std::vector<std::string> lines;
  for (const Setting& setting : settings_of(resources, versions)) {
    CHECK(setting.v2 == versions.v2);
    CHECK(setting.origin.rfind("/linux/resources/", 0) == 0);
    lines.push_back(text_of(setting));
  }
  return lines;
}

using Lines = std::vector<std::string>;

struct Row {
  const char* name;
  void (*set)(Resources&);
  Lines v1, v2;
};

void check_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.name);
    Resources resources;
    row.set(resources);
    CHECK(translate(resources, v1) == row.v1);
    CHECK(translate(resources, v2) == row.v2);
  }
}

}  // namespace

TEST_CASE("memory in files", "[cgroups]") {
  check_rows({
      {"limit",
       [](Resources& r) { r.memory.emplace().limit = 100; },
       {"memory.limit_in_bytes=100@memory/limit"},
       {"memory.max=100@memory/limit"}},
      {"no limit is no limit of swap either",
       [](Resources& r) { r.memory.emplace().limit = -1; },
       {"memory.limit_in_bytes=-1@memory/limit?", "memory.memsw.limit_in_bytes=-1@memory/limit?"},
       {"memory.swap.max=max@memory/limit?", "memory.max=max@memory/limit?"}},
      {"limit and swap",
       [](Resources& r) { r.memory.emplace().limit = 100, r.memory->swap = 150; },
       {"memory.limit_in_bytes=100@memory/limit", "memory.memsw.limit_in_bytes=150@memory/swap"},
       {"memory.swap.max=50@memory/swap", "memory.max=100@memory/limit"}},
      {"no swap",
       [](Resources& r) { r.memory.emplace().limit = 100, r.memory->swap = 100; },
       {"memory.limit_in_bytes=100@memory/limit", "memory.memsw.limit_in_bytes=100@memory/swap"},
       {"memory.swap.max=0@memory/swap?", "memory.max=100@memory/limit"}},
      {"any swap",
       [](Resources& r) { r.memory.emplace().limit = 100, r.memory->swap = -1; },
       {"memory.limit_in_bytes=100@memory/limit", "memory.memsw.limit_in_bytes=-1@memory/swap?"},
       {"memory.swap.max=max@memory/swap?", "memory.max=100@memory/limit"}},
      {"0 is not set",
       [](Resources& r) {
         auto& memory = r.memory.emplace();
         memory.limit = memory.swap = memory.reservation = memory.kernel = memory.kernel_tcp = 0;
       },
       {},
       {}},
      {"reservation",
       [](Resources& r) { r.memory.emplace().reservation = 50; },
       {"memory.soft_limit_in_bytes=50@memory/reservation"},
       {"memory.low=50@memory/reservation"}},
      {"kernel memory",
       [](Resources& r) { r.memory.emplace().kernel = 50, r.memory->kernel_tcp = 60; },
       {"memory.kmem.limit_in_bytes=50@memory/kernel?",
        "memory.kmem.tcp.limit_in_bytes=60@memory/kernelTCP?"},
       {}},
      {"hierarchy",
       [](Resources& r) { r.memory.emplace().use_hierarchy = true; },
       {"memory.use_hierarchy=1@memory/useHierarchy?"},
       {}},
      {"killer on",
       [](Resources& r) { r.memory.emplace().disable_oom_killer = false; },
       {"memory.oom_control=0@memory/disableOOMKiller?"},
       {}},
  });
}

TEST_CASE("v1 alone has a swappiness and an OOM killer that can be turned off", "[cgroups]") {
  Resources resources;
  resources.memory.emplace().swappiness = 0;
  resources.memory->disable_oom_killer = true;
  CHECK(translate(resources, v1) ==
        Lines{"memory.swappiness=0@memory/swappiness", "memory.oom_control=1@memory/disableOOMKiller"});
}

TEST_CASE("cpu in files", "[cgroups]") {
  check_rows({
      {"shares",
       [](Resources& r) { r.cpu.emplace().shares = 1024; },
       {"cpu.shares=1024@cpu/shares"},
       {"cpu.weight=100@cpu/shares"}},
      {"quota",
       [](Resources& r) { r.cpu.emplace().quota = 5000; },
       {"cpu.cfs_quota_us=5000@cpu/quota"},
       {"cpu.max=5000@cpu/quota"}},
      {"no quota",
       [](Resources& r) { r.cpu.emplace().quota = -1; },
       {"cpu.cfs_quota_us=-1@cpu/quota?"},
       {"cpu.max=max@cpu/quota?"}},
      {"quota and period",
       [](Resources& r) { r.cpu.emplace().quota = 5000, r.cpu->period = 20000; },
       {"cpu.cfs_period_us=20000@cpu/period", "cpu.cfs_quota_us=5000@cpu/quota"},
       {"cpu.max=5000 20000@cpu/quota"}},
      {"period",
       [](Resources& r) { r.cpu.emplace().period = 20000; },
       {"cpu.cfs_period_us=20000@cpu/period"},
       {"cpu.max=20000@cpu/period"}},
      {"burst",
       [](Resources& r) { r.cpu.emplace().burst = 100; },
       {"cpu.cfs_burst_us=100@cpu/burst"},
       {"cpu.max.burst=100@cpu/burst"}},
      {"no burst",
       [](Resources& r) { r.cpu.emplace().burst = 0; },
       {"cpu.cfs_burst_us=0@cpu/burst?"},
       {"cpu.max.burst=0@cpu/burst?"}},
      {"idle",
       [](Resources& r) { r.cpu.emplace().idle = 1; },
       {"cpu.idle=1@cpu/idle"},
       {"cpu.idle=1@cpu/idle"}},
      {"not idle",
       [](Resources& r) { r.cpu.emplace().idle = 0; },
       {"cpu.idle=0@cpu/idle?"},
       {"cpu.idle=0@cpu/idle?"}},
      {"cpuset",
       [](Resources& r) { r.cpu.emplace().cpus = "0-1", r.cpu->mems = "0"; },
       {"cpuset.cpus=0-1@cpu/cpus", "cpuset.mems=0@cpu/mems"},
       {"cpuset.cpus=0-1@cpu/cpus", "cpuset.mems=0@cpu/mems"}},
      {"not set",
       [](Resources& r) {
         auto& cpu = r.cpu.emplace();
         cpu.shares = cpu.period = cpu.realtime_period = 0;
         cpu.quota = cpu.realtime_runtime = 0;
         cpu.cpus = cpu.mems = "";
       },
       {},
       {}},
  });
  Resources resources;
  resources.cpu.emplace().realtime_period = 1000;
  resources.cpu->realtime_runtime = 500;
  CHECK(translate(resources, v1) ==
        Lines{"cpu.rt_period_us=1000@cpu/realtimePeriod", "cpu.rt_runtime_us=500@cpu/realtimeRuntime"});
}

TEST_CASE("block I/O in files", "[cgroups]") {
  check_rows({
      {"weight",
       [](Resources& r) { r.block_io.emplace().weight = 500; },
       {"blkio.bfq.weight=500@blockIO/weight|blkio.weight=500"},
       {"io.bfq.weight=500@blockIO/weight|io.weight=4950"}},
      {"no weight", [](Resources& r) { r.block_io.emplace().weight = 0; }, {}, {}},
      {"weight of a device",
       [](Resources& r) {
         r.block_io.emplace().weight_device.push_back({8, 16, 1000, {}});
       },
       {"blkio.bfq.weight_device=8:16 1000@blockIO/weightDevice/0/weight|blkio.weight_device=8:16 1000"},
       {"io.bfq.weight=8:16 1000@blockIO/weightDevice/0/weight|io.weight=8:16 10000"}},
      {"throttles",
       [](Resources& r) {
         auto& io = r.block_io.emplace();
         io.throttle_read_bps = {{8, 0, 1}, {8, 16, 0}};
         io.throttle_write_bps = {{8, 0, 2}};
         io.throttle_read_iops = {{8, 0, 3}};
         io.throttle_write_iops = {{8, 0, 4}};
       },
       {"blkio.throttle.read_bps_device=8:0 1@blockIO/throttleReadBpsDevice/0",
        "blkio.throttle.read_bps_device=8:16 0@blockIO/throttleReadBpsDevice/1",
        "blkio.throttle.write_bps_device=8:0 2@blockIO/throttleWriteBpsDevice/0",
        "blkio.throttle.read_iops_device=8:0 3@blockIO/throttleReadIOPSDevice/0",
        "blkio.throttle.write_iops_device=8:0 4@blockIO/throttleWriteIOPSDevice/0"},
       {"io.max=8:0 rbps=1@blockIO/throttleReadBpsDevice/0",
        "io.max=8:16 rbps=max@blockIO/throttleReadBpsDevice/1?",
        "io.max=8:0 wbps=2@blockIO/throttleWriteBpsDevice/0",
        "io.max=8:0 riops=3@blockIO/throttleReadIOPSDevice/0",
        "io.max=8:0 wiops=4@blockIO/throttleWriteIOPSDevice/0"}},
  });
  Resources resources;
  resources.block_io.emplace().leaf_weight = 7;
  resources.block_io->weight_device.push_back({8, 0, {}, 9});
  CHECK(translate(resources, v1) ==
        Lines{"blkio.leaf_weight=7@blockIO/leafWeight",
              "blkio.leaf_weight_device=8:0 9@blockIO/weightDevice/0/leafWeight"});
}

TEST_CASE("the other controllers in files", "[cgroups]") {
  check_rows({
      {"pids",
       [](Resources& r) { r.pids_limit = 20; },
       {"pids.max=20@pids/limit"},
       {"pids.max=20@pids/limit"}},
      {"no process more",
       [](Resources& r) { r.pids_limit = 0; },
       {"pids.max=0@pids/limit"},
       {"pids.max=0@pids/limit"}},
      {"any number",
       [](Resources& r) { r.pids_limit = -1; },
       {"pids.max=max@pids/limit?"},
       {"pids.max=max@pids/limit?"}},
      {"huge pages",
       [](Resources& r) {
         r.hugepage_limits = {{"2MB", 4096}, {"1GB", 0}};
       },
       {"hugetlb.2MB.limit_in_bytes=4096@hugepageLimits/0",
        "hugetlb.2MB.rsvd.limit_in_bytes=4096@hugepageLimits/0?",
        "hugetlb.1GB.limit_in_bytes=0@hugepageLimits/1",
        "hugetlb.1GB.rsvd.limit_in_bytes=0@hugepageLimits/1?"},
       {"hugetlb.2MB.max=4096@hugepageLimits/0", "hugetlb.2MB.rsvd.max=4096@hugepageLimits/0?",
        "hugetlb.1GB.max=0@hugepageLimits/1", "hugetlb.1GB.rsvd.max=0@hugepageLimits/1?"}},
      {"rdma",
       [](Resources& r) {
         r.rdma["mlx4_0"] = {3, {}};
         r.rdma["mlx5/1"] = {2, 1000};
       },
       {"rdma.max=mlx4_0 hca_handle=3@rdma/mlx4_0",
        "rdma.max=mlx5/1 hca_handle=2 hca_object=1000@rdma/mlx5~11"},
       {"rdma.max=mlx4_0 hca_handle=3@rdma/mlx4_0",
        "rdma.max=mlx5/1 hca_handle=2 hca_object=1000@rdma/mlx5~11"}},
  });
  Resources resources;
  resources.network.emplace().class_id = 1048577;
  resources.network->priorities = {{"lo", 5}, {"eth0", 0}};
  CHECK(translate(resources, v1) == Lines{"net_cls.classid=1048577@network/classID",
                                          "net_prio.ifpriomap=lo 5@network/priorities/0",
                                          "net_prio.ifpriomap=eth0 0@network/priorities/1?"});
}

TEST_CASE("unified settings go last, a line a write, and name their controller", "[cgroups]") {
  Resources resources;
  resources.pids_limit = 5;
  resources.unified = {{"pids.max", "7"},         {"io.max", "8:0 rbps=1\n8:16 wbps=2\n"},
                       {"cgroup.max.depth", "3"}, {"cpu.max", "5000 20000"},
                       {"cpuset.cpus", ""},       {"some.new~file", "x"}};
  CHECK(translate(resources, v2) ==
        Lines{"pids.max=5@pids/limit", "cgroup.max.depth=3@unified/cgroup.max.depth",
              "cpu.max=5000 20000@unified/cpu.max", "cpuset.cpus=\n@unified/cpuset.cpus",
              "io.max=8:0 rbps=1@unified/io.max", "io.max=8:16 wbps=2@unified/io.max",
              "pids.max=7@unified/pids.max", "some.new~file=x@unified/some.new~0file"});
  std::vector<std::string> controllers, keyed;
  for (const Setting& setting : settings_of(resources, v2)) {
    controllers.push_back(setting.controller);
    if (setting.keyed) keyed.push_back(setting.value);
  }
  CHECK(controllers == Lines{"pids", "", "cpu", "cpuset", "io", "io", "pids", "some"});
  CHECK(keyed == Lines{"8:0 rbps=1", "8:16 wbps=2"});
}

TEST_CASE("a unified key that names a file elsewhere is refused", "[cgroups]") {
  for (const char* key : {"../other/pids.max", "/pids.max", "sub/pids.max"}) {
    Resources resources;
    resources.unified[key] = "1";
    CHECK_THROWS_WITH(settings_of(resources, v2), Catch::Contains("contains a slash"));
  }
}

TEST_CASE("each controller is set where its host has it", "[cgroups]") {
  Resources resources;
  resources.memory.emplace().limit = 1;
  resources.pids_limit = 2;
  resources.hugepage_limits = {{"2MB", 3}};
  std::vector<std::string> lines;
  for (const Setting& setting : settings_of(resources, {{"memory", "name=systemd"}, true}))
    lines.push_back((setting.v2 ? "v2 " : "v1 ") + setting.file);
  CHECK(lines ==
        Lines{"v1 memory.limit_in_bytes", "v2 pids.max", "v2 hugetlb.2MB.max", "v2 hugetlb.2MB.rsvd.max"});
}

TEST_CASE("checkBeforeUpdate compares on v2, where the kernel would kill", "[cgroups]") {
  Resources resources;
  resources.memory.emplace().limit = 1;
  resources.memory->check_before_update = true;
  CHECK(settings_of(resources, v2).front().usage_file == "memory.current");
  CHECK(settings_of(resources, v1).front().usage_file.empty());
  resources.memory->limit = -1;
  for (const Setting& setting : settings_of(resources, v2)) CHECK(setting.usage_file.empty());
}

TEST_CASE("what depends on each other is of one group", "[cgroups]") {
  Resources resources;
  resources.memory.emplace().limit = 1;
  resources.memory->swap = 2;
  auto& cpu = resources.cpu.emplace();
  cpu.shares = 5;
  cpu.idle = 0;
  cpu.quota = 5000;
  cpu.period = 10000;
  cpu.burst = 1000;
  const auto groups = [&](const Versions& versions) {
    Lines result;
    for (const Setting& setting : settings_of(resources, versions)) result.push_back(setting.group);
    return result;
  };
  const Lines cpu_groups = {"cpu weight", "cpu weight", "cpu bandwidth", "cpu bandwidth"};
  Lines expected = {"memory and swap", "memory and swap"};
  expected.insert(expected.end(), cpu_groups.begin(), cpu_groups.end());
  expected.push_back("cpu bandwidth");
  CHECK(groups(v1) == expected);
  expected = {"", ""};
  expected.insert(expected.end(), cpu_groups.begin(), cpu_groups.end());
  CHECK(groups(v2) == expected);
}

TEST_CASE("swap that can't be told from memory is refused on v2", "[cgroups]") {
  for (const std::int64_t limit : {0, -1}) {
    Resources resources;
    resources.memory.emplace().limit = limit;
    resources.memory->swap = 100;
    CHECK_THROWS_WITH(settings_of(resources, v2), Catch::Contains("(/linux/resources/memory/swap)"));
  }
}
