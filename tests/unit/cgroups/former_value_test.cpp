#include <catch2/catch.hpp>

#include "cgroups/setting_writer.hpp"

using namespace ocx::cgroups;

TEST_CASE("what was in force before is found in each form of file", "[cgroups]") {
  struct Case {
    const char *file, *content, *value;
    bool keyed;
    const char* former;
  };
  const Case cases[] = {
      {"memory.max", "max\n", "4096", false, "max"},
      {"cpu.max", "max 100000\n", "5000", false, "max 100000"},
      {"cpuset.cpus", "\n", "0", false, "\n"},
      {"cpuset.cpus", "", "0", false, "\n"},
      {"io.bfq.weight", "default 100\n8:0 50\n", "200", false, "default 100"},
      {"io.bfq.weight", "default 100\n8:0 50\n", "8:0 200", true, "8:0 50"},
      {"io.bfq.weight", "default 100\n8:0 50\n", "8:16 200", true, "8:16 default"},
      {"memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 5\n", "0", false, "1"},
      {"io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n", "8:0 wbps=2", true,
       "8:0 rbps=1 wbps=max riops=max wiops=max"},
      {"io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n", "8:16 wbps=2", true,
       "8:16 rbps=max wbps=max riops=max wiops=max"},
      {"io.latency", "", "8:16 target=5", true, "8:16 target=0"},
      {"blkio.throttle.read_bps_device", "8:0 7\n", "8:0 9", true, "8:0 7"},
      {"blkio.throttle.read_bps_device", "8:0 7\n", "8:1 9", true, "8:1 0"},
      {"blkio.bfq.weight_device", "default 100\n", "8:1 9", true, "8:1 default"},
      {"net_prio.ifpriomap", "lo 0\neth0 5\n", "eth0 7", true, "eth0 5"},
      {"rdma.max", "mlx4_0 hca_handle=2 hca_object=max\n", "mlx4_0 hca_handle=3", true,
       "mlx4_0 hca_handle=2 hca_object=max"},
      {"rdma.max", "", "mlx4_0 hca_handle=3", true, "mlx4_0 hca_handle=max hca_object=max"},
  };
  for (const Case& item : cases) {
    INFO(item.file << " " << item.value);
    CHECK(former_value(item.file, item.content, item.value, item.keyed) == item.former);
  }
}
