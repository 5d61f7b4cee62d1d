// `update`: single fields, and what an update of something else leaves as it is.
#include <catch2/catch.hpp>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;

namespace {

Result update(Container& container, const std::string& document) {
  RunOptions options;
  options.input = document;
  return container.command({"update", "--resources", "-", container.id()}, options);
}

}  // namespace

TEST_CASE("an update of other fields leaves the burst of the CPU quota", "[update]") {
  NOT_ON_RUNC("1.1 knows no burst");
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  Bundle bundle;
  bundle.config["linux"]["resources"]["cpu"] = {{"quota", 20000}, {"period", 100000}, {"burst", 6000}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const auto burst = [&] {
    return limit_file(container, "cpu", cgroup_v2() ? "cpu.max.burst" : "cpu.cfs_burst_us");
  };
  CHECK(burst() == "6000");
  for (const char* document : {R"({"cpu": {"shares": 300}})", R"({"cpu": {"quota": 30000}})",
                               R"({"pids": {"limit": 40}})", R"({"cpu": {"period": 50000}})"}) {
    INFO(document);
    REQUIRE_OK(update(container, document));
    CHECK(burst() == "6000");
  }
  REQUIRE_OK(update(container, R"({"cpu": {"burst": 0}})"));
  CHECK(burst() == "0");
}

TEST_CASE("pids.limit 0 is a limit in update, too, and -1 none", "[update]") {
  NOT_ON_RUNC("1.1 ignores 0");
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const auto& [limit, text] : {std::pair(40, "40"), {0, "0"}, {-1, "max"}, {1, "1"}}) {
    INFO(limit);
    REQUIRE_OK(update(container, R"({"pids": {"limit": )" + std::to_string(limit) + "}}"));
    CHECK(limit_file(container, "pids", "pids.max") == text);
  }
}

TEST_CASE("unified settings can be updated", "[update][unified][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  NOT_ON_RUNC("1.1 has no unified in update");
  Bundle bundle;
  bundle.config["linux"]["resources"]["unified"] = {{"memory.high", "134217728"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(update(container, R"({"unified": {"memory.high": "67108864", "pids.max": "44"}})"));
  CHECK(limit_file(container, "memory", "memory.high") == "67108864");
  CHECK(limit_file(container, "pids", "pids.max") == "44");
  REQUIRE_OK(update(container, R"({"unified": {"pids.max": "max"}})"));
  CHECK(limit_file(container, "memory", "memory.high") == "67108864");
  CHECK(limit_file(container, "pids", "pids.max") == "max");
}

TEST_CASE("processors can be updated by the unified name", "[update][unified][cpuset][v2][qemu]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  NOT_ON_RUNC("1.1 has no unified in update");
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(update(container, R"({"unified": {"cpuset.cpus": "0"}})"));
  CHECK(limit_file(container, "cpuset", "cpuset.cpus") == "0");
}
