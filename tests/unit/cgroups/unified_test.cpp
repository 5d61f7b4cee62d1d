// The property `unified`, which is for pure cgroup v2 hosts, and what only v1 has beside it.
#include <catch2/catch.hpp>

#include "cgroups/drivers.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

namespace {

Error error_of(Manager& manager, const spec::Resources& resources) {
  try {
    manager.update(resources);
  } catch (const Error& error) {
    return error;
  }
  return Error("none");
}

}  // namespace

TEST_CASE("unified settings are written, and put back when one of them fails", "[cgroups][root][v2]") {
  if (!is_writable(host()) || !host().pure_v2()) SKIP_TEST("not a pure cgroup v2 host");
  const auto manager = make_cgroupfs_manager(host(), "/" + unique_name() + "/a", "id");
  const Cleanup cleanup(manager->made());
  manager->create();
  const std::string directory = manager->paths().at("");
  spec::Resources resources;
  resources.pids_limit = 5;
  resources.unified = {{"memory.high", "8388608"}, {"pids.max", "7"}, {"cgroup.max.depth", "3"}};
  manager->apply(resources);
  CHECK(read_text(directory + "/memory.high") == "8388608\n");
  CHECK(read_text(directory + "/pids.max") == "7\n");
  CHECK(read_text(directory + "/cgroup.max.depth") == "3\n");

  resources.pids_limit.reset();
  resources.unified = {{"cgroup.max.depth", "9"}, {"memory.high", "max"}, {"pids.max", "wrong"}};
  CHECK(error_of(*manager, resources).origin() == "/linux/resources/unified/pids.max");
  CHECK(read_text(directory + "/memory.high") == "8388608\n");
  CHECK(read_text(directory + "/cgroup.max.depth") == "3\n");

  resources.unified = {{"nonsense.max", "1"}};
  Error error = error_of(*manager, resources);
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK_THAT(error.what(), Catch::Contains("controller \"nonsense\" is not available"));
  resources.unified = {{"memory.nonsense", "1"}};
  error = error_of(*manager, resources);
  CHECK_THAT(error.what(), Catch::Contains("has no file \"memory.nonsense\""));
  manager->remove();
}

TEST_CASE("lines of devices are put back one by one", "[cgroups][root][v2]") {
  if (!is_writable(host()) || !host().pure_v2()) SKIP_TEST("not a pure cgroup v2 host");
  std::ifstream partitions("/proc/partitions");
  std::string header;
  std::getline(partitions, header);
  std::int64_t major = 0, minor = 0;
  if (!(partitions >> major >> minor)) SKIP_TEST("no block device here");
  const std::string device = std::to_string(major) + ":" + std::to_string(minor);
  const auto manager = make_cgroupfs_manager(host(), "/" + unique_name(), "id");
  const Cleanup cleanup(manager->made());
  manager->create();
  const std::string file = manager->paths().at("") + "/io.max";
  spec::Resources resources;
  auto& io = resources.block_io.emplace();
  io.throttle_read_bps = {{major, minor, 1048576}};
  io.throttle_write_iops = {{0, 0, 1}};
  CHECK(error_of(*manager, resources).origin() == "/linux/resources/blockIO/throttleWriteIOPSDevice/0");
  CHECK(read_text(file).empty());
  io.throttle_write_iops = {{major, minor, 100}};
  manager->update(resources);
  const std::string before = read_text(file);
  CHECK(before == device + " rbps=1048576 wbps=max riops=max wiops=100\n");
  io.throttle_read_bps[0].rate = 0;
  io.throttle_write_iops.push_back({0, 0, 1});
  CHECK(error_of(*manager, resources).error_number() == ENODEV);
  CHECK(read_text(file) == before);
  manager->remove();
}

TEST_CASE("an enabled controller is for children, not beside processes", "[cgroups][root][v2]") {
  if (!is_writable(host()) || !host().pure_v2()) SKIP_TEST("not a pure cgroup v2 host");
  const std::string parent = "/" + unique_name();
  const auto outer = make_cgroupfs_manager(host(), parent, "id");
  const Cleanup cleanup_outer(outer->made());
  outer->create();
  const Sleeper sleeper;
  outer->attach(sleeper.pid());
  const auto manager = make_cgroupfs_manager(host(), parent + "/a", "id");
  const Cleanup cleanup(manager->made());
  manager->create();  // does without
  const Sleeper inner;
  manager->attach(inner.pid());
  spec::Resources resources;
  resources.pids_limit = 5;
  const Error error = error_of(*manager, resources);
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK(error.origin() == "/linux/resources/pids/limit");
  CHECK_THAT(error.hint(), Catch::Contains("has processes of its own"));
  manager->remove();
  outer->remove();
}

TEST_CASE("packets are classed where v1 has the controllers for it", "[cgroups][root]") {
  const auto manager = make_cgroupfs_manager(host(), "/" + unique_name(), "id");
  const auto classes = manager->paths().find("net_cls"), priorities = manager->paths().find("net_prio");
  if (!is_writable(host()) || classes == manager->paths().end() || priorities == manager->paths().end())
    SKIP_TEST("net_cls and net_prio are not mounted here");
  const Cleanup cleanup(manager->made());
  manager->create();
  spec::Resources resources;
  resources.network.emplace().class_id = 1048577;
  resources.network->priorities = {{"lo", 5}};
  manager->update(resources);
  CHECK(read_text(classes->second + "/net_cls.classid") == "1048577\n");
  CHECK_THAT(read_text(priorities->second + "/net_prio.ifpriomap"), Catch::Contains("lo 5\n"));
  resources.network->priorities = {{"lo", 7}, {"no-such-card", 1}};
  CHECK(error_of(*manager, resources).origin() == "/linux/resources/network/priorities/1");
  CHECK_THAT(read_text(priorities->second + "/net_prio.ifpriomap"), Catch::Contains("lo 5\n"));
  manager->remove();
}
