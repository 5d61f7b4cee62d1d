// linux.resources: what can't be had is refused, by the name it has in config.json; nothing is ignored.
#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"
#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

struct Refusal {
  const char* resources;
  std::vector<std::string> texts;  // all are in the error
};

void check_refusals(const std::vector<Refusal>& rows) {
  Bundle bundle;
  for (const Refusal& row : rows) {
    INFO(row.resources);
    bundle.config["linux"]["resources"] = default_config()["linux"]["resources"];
    bundle.config["linux"]["resources"].merge_patch(json::parse(row.resources));
    check_refused(bundle, row.texts);
  }
}

}  // namespace

TEST_CASE("values that the kernel does not take are refused", "[resources][errors]") {
  check_refusals(
      {{R"({"memory": {"limit": 4611686018427387904, "swap": 1048576}})", {}},
       {R"({"cpu": {"period": 7}})", {}},
       {R"({"cpu": {"quota": 5}})", {}},
       {R"({"blockIO": {"throttleReadBpsDevice": [{"major": 4095, "minor": 77, "rate": 1}]}})", {}}});
}

TEST_CASE("an error names the setting", "[resources][errors]") {
  ONLY_OCX("runc names the file");
  check_refusals({{R"({"memory": {"limit": 67108864, "swap": 33554432}})", {"/linux/resources/memory/swap"}},
                  {R"({"pids": {"limit": -7}})", {"/linux/resources/pids/limit"}},
                  {R"({"cpu": {"period": 7}})", {"/linux/resources/cpu/period"}},
                  {R"({"cpu": {"quota": 5}})", {"/linux/resources/cpu/quota"}},
                  {R"({"cpu": {"quota": 10000, "burst": 20000}})", {"/linux/resources/cpu/burst"}},
                  {R"({"cpu": {"idle": 2}})", {"/linux/resources/cpu/idle"}},
                  {R"({"blockIO": {"throttleReadBpsDevice": [{"major": 4095, "minor": 77, "rate": 1}]}})",
                   {"/linux/resources/blockIO/throttleReadBpsDevice/0"}},
                  {R"({"blockIO": {"throttleWriteIOPSDevice": [{"major": 4095, "minor": 77, "rate": 1}]}})",
                   {"/linux/resources/blockIO/throttleWriteIOPSDevice/0"}}});
}

TEST_CASE("sizes of huge pages are names, not paths", "[resources][errors][hugetlb]") {
  // GHSA-5g49-rx9x-qfc6: the size is part of a file's name.
  for (const char* size : {"../foo", "3XB", "2MB/../../x", "", "2mb", "0MB", "2097152", "2MB.max", "64TB"}) {
    INFO(size);
    Bundle bundle;
    bundle.config["linux"]["resources"]["hugepageLimits"] = {{{"pageSize", size}, {"limit", 8388608}}};
    if (runtime_is_ocx())
      check_refused(bundle, {"/linux/resources/hugepageLimits/0"});
    else
      check_refused(bundle, {});
  }
}

TEST_CASE("a size of huge pages that the machine lacks is refused", "[resources][errors][hugetlb]") {
  ONLY_OCX("runc 1.1 has no hugetlb on hybrid hosts");
  check_refusals({{R"({"hugepageLimits": [{"pageSize": "3MB", "limit": 8388608}]})",
                   {"/linux/resources/hugepageLimits/0"}}});
}

TEST_CASE("processors and memory nodes outside the machine are refused",
          "[resources][errors][cpuset][qemu]") {
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  for (auto [resources, pointer] : std::vector<std::pair<const char*, const char*>>{
           {R"({"cpu": {"cpus": "0-4095"}})", "/linux/resources/cpu/cpus"},
           {R"({"cpu": {"cpus": "zero"}})", "/linux/resources/cpu/cpus"},
           {R"({"cpu": {"mems": "63"}})", "/linux/resources/cpu/mems"}}) {
    INFO(resources);
    check_refusals(
        {{resources, runtime_is_ocx() ? std::vector<std::string>{pointer} : std::vector<std::string>{}}});
  }
}

TEST_CASE("a limit that needs a controller the machine lacks is refused", "[resources][errors]") {
  ONLY_OCX("runc ignores some");
  struct Row {
    const char *v1, *v2, *resources, *pointer;
  };
  const Row rows[] = {
      {"net_cls", nullptr, R"({"network": {"classID": 1048577}})", "/linux/resources/network/classID"},
      {"net_prio", nullptr, R"({"network": {"priorities": [{"name": "lo", "priority": 5}]}})",
       "/linux/resources/network/priorities"},
      {"rdma", "rdma", R"({"rdma": {"mlx5_1": {"hcaHandles": 3}}})", "/linux/resources/rdma/mlx5_1"},
      {"hugetlb", "hugetlb", R"({"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]})",
       "/linux/resources/hugepageLimits/0"},
      {"cpuset", "cpuset", R"({"cpu": {"cpus": "0"}})", "/linux/resources/cpu/cpus"},
      {"cpuset", "cpuset", R"({"cpu": {"mems": "0"}})", "/linux/resources/cpu/mems"},
      {"blkio", "io", R"({"blockIO": {"leafWeight": 300}})", "/linux/resources/blockIO/leafWeight"}};
  for (const Row& row : rows) {
    // leafWeight went with the scheduler CFQ: no kernel that has the controller has the file.
    bool present = !contains(row.resources, "leafWeight") &&
                   ((row.v1 != nullptr && cgroup_mounts().count(row.v1) != 0) ||
                    (row.v2 != nullptr && has_controller(row.v2)));
    if (present) continue;
    INFO(row.resources);
    check_refusals({{row.resources, {row.pointer}}});
  }
}

TEST_CASE("an RDMA device that does not exist is refused", "[resources][errors][rdma][qemu]") {
  ONLY_OCX("runc 1.1 names the file");
  if (!has_controller("rdma")) SKIP_TEST("no rdma controller here");
  check_refusals({{R"({"rdma": {"mlx5_none": {"hcaHandles": 3, "hcaObjects": 100}}})",
                   {"/linux/resources/rdma/mlx5_none"}}});
}

TEST_CASE("what v2 can't express is refused there", "[resources][errors][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  ONLY_OCX("runc ignores these");
  check_refusals({{R"({"memory": {"swappiness": 30}})", {"/linux/resources/memory/swappiness"}},
                  {R"({"memory": {"disableOOMKiller": true}})", {"/linux/resources/memory/disableOOMKiller"}},
                  {R"({"memory": {"swap": 134217728}})", {"/linux/resources/memory/swap"}},
                  {R"({"cpu": {"realtimeRuntime": 10000}})", {"/linux/resources/cpu/realtimeRuntime"}},
                  {R"({"cpu": {"realtimePeriod": 500000}})", {"/linux/resources/cpu/realtimePeriod"}},
                  {R"({"blockIO": {"leafWeight": 300}})", {"/linux/resources/blockIO/leafWeight"}},
                  {R"({"network": {"classID": 1048577}})", {"/linux/resources/network/classID"}},
                  {R"({"network": {"priorities": [{"name": "lo", "priority": 5}]}})",
                   {"/linux/resources/network/priorities"}}});
}

TEST_CASE("unified settings that are none are refused", "[resources][errors][unified][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  std::string pointer = runtime_is_ocx() ? "/linux/resources/unified/" : "";
  check_refusals({{R"({"unified": {"memory.nosuch": "1"}})", {pointer}},
                  {R"({"unified": {"nosuch.max": "1"}})", {pointer}},
                  {R"({"unified": {"memory.max": "lots"}})", {pointer}},
                  {R"({"unified": {"../pids.max": "1"}})", {pointer}},
                  {R"({"unified": {"sub/pids.max": "1"}})", {pointer}}});
}

TEST_CASE("unified settings belong to v2", "[resources][errors][unified][v1]") {
  if (cgroup_v2()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  bundle.config["linux"]["resources"]["unified"] = {{"memory.max", "67108864"}};
  if (runtime_is_ocx())
    check_refused(bundle, {"/linux/resources/unified"});
  else
    check_refused(bundle, {});
}

TEST_CASE("a memory limit below the usage is refused when that is asked for", "[resources][errors][memory]") {
  ONLY_OCX("runc 1.1 does not check in create");
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  check_refusals(
      {{R"({"memory": {"limit": 4096, "checkBeforeUpdate": true}})", {"/linux/resources/memory/limit"}}});
}

TEST_CASE("an update that would push the memory limit below the usage is refused",
          "[resources][errors][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle;
  // A tmpfs charges who fills it.
  bundle.shell(
      "dd if=/dev/zero of=/dev/shm/ballast bs=1M count=32 2>/dev/null; echo filled >/ready; exec /bin/probe "
      "pause");
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 134217728}, {"swap", 134217728}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  wait_for_file(bundle.rootfs() / "ready");
  RunOptions options;
  options.input = R"({"memory": {"limit": 8388608, "checkBeforeUpdate": true}})";
  Result refused = container.command({"update", "--resources", "-", container.id()}, options);
  CHECK(refused.status != 0);
  CHECK(container.status() == "running");
  CHECK(limit_file(container, "memory", cgroup_v2() ? "memory.max" : "memory.limit_in_bytes") == "134217728");
}
