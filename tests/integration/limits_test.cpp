// Limits bite: what is above them is refused, slowed down or killed, and the kernel has counted it.
#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"
#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

constexpr long mebibyte = 1 << 20;

json memory_limit(long bytes) {
  return {{"limit", bytes}, {"swap", bytes}};
}

// /dev/kmsg can be opened for reading and for writing without an effect on the machine.
void add_kernel_log(Bundle& bundle) {
  bundle.config["linux"]["devices"] = {
      {{"path", "/dev/log"}, {"type", "c"}, {"major", 1}, {"minor", 11}, {"fileMode", 0666}}};
  bundle.capabilities({"CAP_SYSLOG", "CAP_DAC_OVERRIDE"});
  bundle.args({"/bin/probe", "try", "open", "/dev/log", "write", "/dev/log"});
}

}  // namespace

TEST_CASE("a payload above its memory limit is OOM-killed", "[limits][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle({"/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=128M", "count=1"});
  SECTION("below it, nothing happens") {
    bundle.config["linux"]["resources"]["memory"] = memory_limit(256 * mebibyte);
    Container container(bundle);
    container.output();
  }
  SECTION("above it") {
    bundle.config["linux"]["resources"]["memory"] = memory_limit(32 * mebibyte);
    Container container(bundle);
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    CHECK(container.wait_exit() == 128 + SIGKILL);
    CHECK(container.status() == "stopped");
  }
  SECTION("in the foreground, with the reason") {
    bundle.config["linux"]["resources"]["memory"] = memory_limit(32 * mebibyte);
    Container container(bundle);
    Result result = container.run();
    INFO(result.describe());
    CHECK(result.status == 128 + SIGKILL);
    if (runtime_is_ocx()) CHECK(contains(result.err, "memory limit"));
  }
}

TEST_CASE("the kernel counts what it killed in a container for want of memory", "[limits][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle;
  bundle.shell("dd if=/dev/zero of=/dev/null bs=128M count=1; echo ended $? >/after; exec /bin/probe pause");
  bundle.config["linux"]["resources"]["memory"] = memory_limit(32 * mebibyte);
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "memory");
  CHECK(oom_kills(directory) == 0);
  REQUIRE_OK(container.start());
  CHECK(wait_for_file(bundle.rootfs() / "after") == "ended 137\n");
  CHECK(oom_kills(directory) == 1);
  CHECK(container.status() == "running");
}

TEST_CASE("forks above pids.limit are refused", "[limits][pids]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  // The inner shell gives up at the first fork that fails; what it has started stays.
  bundle.shell("(while sleep 1000 & do :; done) 2>/refused; echo >/after; exec /bin/probe pause");
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 10}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "pids");
  REQUIRE_OK(container.start());
  wait_for_file(bundle.rootfs() / "after");
  CHECK(contains(read_file(bundle.rootfs() / "refused"), "Resource temporarily unavailable"));
  CHECK(forks_refused(directory) == 1);
  CHECK(lines(read_file(directory / "cgroup.procs")).size() <= 10);
  CHECK(std::stol(read_file(directory / "pids.current")) >= 9);
}

TEST_CASE("a container above its cpu quota is throttled", "[limits][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  Bundle bundle;
  // 100 ms of work take more than one period's 10 ms, on any machine.
  bundle.shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo >/after; exec /bin/probe pause");
  bundle.config["linux"]["resources"]["cpu"] = {{"quota", 10000}, {"period", 100000}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "cpu");
  REQUIRE_OK(container.start());
  wait_for_file(bundle.rootfs() / "after");
  CHECK(times_throttled(directory) > 0);
}

TEST_CASE("a container without a quota is not throttled", "[limits][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  Bundle bundle;
  bundle.shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo >/after; exec /bin/probe pause");
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "cpu");
  REQUIRE_OK(container.start());
  wait_for_file(bundle.rootfs() / "after");
  CHECK(times_throttled(directory) <= 0);
}

TEST_CASE("a device without a rule can't be opened", "[limits][devices]") {
  struct Row {
    const char *rules, *output;
  };
  const Row rows[] = {
      {R"([])", "EPERM\nEPERM\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}])", "ok\nEPERM\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}])", "EPERM\nok\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rw"}])", "ok\nok\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "m"}])", "EPERM\nEPERM\n"},
      {R"([{"allow": true, "type": "b", "major": 1, "minor": 11, "access": "rwm"}])", "EPERM\nEPERM\n"},
      {R"([{"allow": true, "type": "c", "major": 2, "minor": 11, "access": "rwm"}])", "EPERM\nEPERM\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "access": "rwm"}])", "ok\nok\n"},
      {R"([{"allow": true, "type": "c", "access": "r"}])", "ok\nEPERM\n"},
      {R"([{"allow": true, "type": "a", "access": "rwm"}])", "ok\nok\n"},
      {R"([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rw"},
           {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "w"}])",
       "ok\nEPERM\n"}};
  for (const Row& row : rows) {
    INFO(row.rules);
    Bundle bundle;
    add_kernel_log(bundle);
    for (const json& rule : json::parse(row.rules))
      bundle.config["linux"]["resources"]["devices"].push_back(rule);
    Container container(bundle);
    CHECK(container.output() == row.output);
  }
}

TEST_CASE("what every container needs can be opened under any device policy", "[limits][devices]") {
  Bundle bundle({"/bin/probe", "try", "read", "/dev/zero", "write", "/dev/null", "read", "/dev/urandom",
                 "open", "/dev/full", "open", "/dev/ptmx", "null", "/made"});
  bundle.capabilities({"CAP_MKNOD", "CAP_DAC_OVERRIDE"});
  Container container(bundle);
  CHECK(container.output() == "ok\nok\nok\nok\nok\nok\n");
}

TEST_CASE("device rules reach cgroups that the container makes", "[limits][devices][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  Bundle bundle;
  add_kernel_log(bundle);
  bundle.capabilities({"CAP_SYSLOG", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"});
  bundle.add_namespace("cgroup");
  bundle.find_mount("/sys/fs/cgroup")->update({{"options", {"nosuid", "noexec", "nodev", "rw"}}});
  bundle.shell(
      "mkdir /sys/fs/cgroup/below && echo $$ >/sys/fs/cgroup/below/cgroup.procs && "
      "exec /bin/probe try open /dev/log");
  Container container(bundle);
  CHECK(container.output() == "EPERM\n");
}

TEST_CASE("a cpuset keeps the payload on its processors", "[limits][cpuset][qemu]") {
  if (!has_controller("cpuset")) SKIP_TEST("no cpuset controller here");
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  std::string last = std::to_string(count - 1);
  Bundle bundle;
  bundle.shell("grep Cpus_allowed_list /proc/self/status; nproc");
  bundle.config["linux"]["resources"]["cpu"] = {{"cpus", last}};
  Container container(bundle);
  CHECK(container.output() == "Cpus_allowed_list:\t" + last + "\n1\n");
}

TEST_CASE("huge pages above the limit are refused", "[limits][hugetlb][qemu]") {
  if (!has_controller("hugetlb")) SKIP_TEST("no hugetlb controller here");
  NOT_ON_RUNC("1.1 has no hugetlb on hybrid hosts");
  Path pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
  if (!fs::exists(pool)) SKIP_TEST("no huge pages of 2 MiB here");
  std::string before = read_file(pool);
  write_file(pool, std::to_string(std::stol(before) + 4));
  if (std::stol(read_file(pool)) < std::stol(before) + 4) SKIP_TEST("no memory for huge pages here");
  Bundle bundle;
  bundle.add_mount(
      {{"destination", "/huge"}, {"type", "hugetlbfs"}, {"source", "none"}, {"options", {"pagesize=2M"}}});
  bundle.capabilities({"CAP_DAC_OVERRIDE", "CAP_IPC_LOCK"});
  bundle.shell(
      "busybox fallocate -l 2097152 /huge/1; echo $?; busybox fallocate -l 4194304 /huge/2 2>/dev/null; echo "
      "$?");
  bundle.config["linux"]["resources"]["hugepageLimits"] = {{{"pageSize", "2MB"}, {"limit", 4194304}}};
  {
    Container container(bundle);
    CHECK(container.output() == "0\n1\n");
  }
  write_file(pool, before);
}

TEST_CASE("limits hold for what joins later: a child of the payload", "[limits][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle;
  bundle.shell("setsid sh -c 'dd if=/dev/zero of=/dev/null bs=128M count=1; echo $?' & wait");
  bundle.config["linux"]["resources"]["memory"] = memory_limit(32 * mebibyte);
  Container container(bundle);
  CHECK(container.output() == "137\n");
}
