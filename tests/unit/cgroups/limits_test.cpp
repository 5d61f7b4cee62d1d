// Settings on the real kernel, whatever version each controller has here.
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <functional>

#include "cgroups/drivers.hpp"
#include "cgroups/setting_writer.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;
using spec::Resources;

namespace {

/// A cgroup of its own in all hierarchies.
class Box {
 public:
  explicit Box(const Hierarchies& view = host(), const std::string& path = "/" + unique_name())
      : manager_(make_cgroupfs_manager(view, path, "id")), cleanup_(manager_->made()), view_(view) {
    manager_->create();
  }
  ~Box() { manager_->remove(); }
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  Manager* operator->() const { return manager_.get(); }
  std::string directory(const std::string& controller) const {
    const Paths& paths = manager_->paths();
    for (const std::string& key : {controller, std::string("unified"), std::string()})
      if (const auto found = paths.find(key); found != paths.end()) return found->second;
    return "";
  }
  bool v1(const std::string& controller) const { return manager_->paths().count(controller) != 0; }
  std::string read(const std::string& controller, const std::string& file) const {
    std::string text = read_text(directory(controller) + "/" + file);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  /// The controller is there, and the kernel knows the file.
  bool has(const std::string& controller, const std::string& file) const {
    return exists(directory(controller) + "/" + file);
  }

 private:
  std::unique_ptr<Manager> manager_;
  Cleanup cleanup_;
  Hierarchies view_;
};

#define NEED_CGROUPS() \
  if (!is_writable(host())) SKIP_TEST("no writable cgroups here")

Error error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error");
  return Error("");
}

Resources memory(std::int64_t limit, std::int64_t swap = 0) {
  Resources resources;
  resources.memory.emplace().limit = limit;
  resources.memory->swap = swap;
  return resources;
}

constexpr std::int64_t mebi = 1 << 20;

/// A child in the cgroup that has touched that many bytes.
class Eater {
 public:
  Eater(const Box& box, std::size_t bytes) {
    int ready[2], go[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(go) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      char byte = 0;
      if (::read(go[0], &byte, 1) != 1) ::_exit(1);
      volatile char* memory = static_cast<volatile char*>(std::malloc(bytes));
      for (std::size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
      if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    box->attach(pid_);
    char byte = 0;
    CHECK(::write(go[1], &byte, 1) == 1);
    CHECK(::read(ready[0], &byte, 1) == 1);
    for (const int fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
  }
  ~Eater() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Eater(const Eater&) = delete;
  Eater& operator=(const Eater&) = delete;

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("the everyday limits are in the kernel's files", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  Resources resources = memory(64 * mebi);
  resources.memory->reservation = 32 * mebi;
  resources.pids_limit = 20;
  auto& cpu = resources.cpu.emplace();
  cpu.shares = 512;
  cpu.quota = 20000;
  cpu.period = 50000;
  box->apply(resources);
  if (box.v1("memory")) {
    CHECK(box.read("memory", "memory.limit_in_bytes") == "67108864");
    CHECK(box.read("memory", "memory.soft_limit_in_bytes") == "33554432");
  } else {
    CHECK(box.read("memory", "memory.max") == "67108864");
    CHECK(box.read("memory", "memory.low") == "33554432");
  }
  CHECK(box.read("pids", "pids.max") == "20");
  if (box.v1("cpu")) {
    CHECK(box.read("cpu", "cpu.shares") == "512");
    CHECK(box.read("cpu", "cpu.cfs_quota_us") == "20000");
    CHECK(box.read("cpu", "cpu.cfs_period_us") == "50000");
  } else {
    CHECK(box.read("cpu", "cpu.weight") == "59");
    CHECK(box.read("cpu", "cpu.max") == "20000 50000");
  }
  resources = {};
  resources.cpu.emplace().period = 40000;  // the quota stays
  box->update(resources);
  if (box.v1("cpu"))
    CHECK(box.read("cpu", "cpu.cfs_quota_us") == "20000");
  else
    CHECK(box.read("cpu", "cpu.max") == "20000 40000");
}

TEST_CASE("a cpuset is set, and one the parent doesn't have is an error that says so", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  if (!box.has("cpuset", "cpuset.cpus")) SKIP_TEST("no cpuset controller here");
  Resources resources;
  resources.cpu.emplace().cpus = "0";
  resources.cpu->mems = "0";
  box->apply(resources);
  CHECK(box.read("cpuset", "cpuset.cpus") == "0");
  CHECK(box.read("cpuset", "cpuset.mems") == "0");
  resources.cpu->cpus = "0-4095";
  if (!box.v1("cpuset")) return;  // v2 takes what there is of them
  const Error error = error_of([&] { box->apply(resources); });
  CHECK(error.origin() == "/linux/resources/cpu/cpus");
  CHECK_THAT(error.hint(), Catch::Contains("the parent cgroup has \"0"));
}

TEST_CASE("memory and swap are raised and lowered in the order the kernel wants", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  if (!box.has("memory", "memory.memsw.limit_in_bytes")) SKIP_TEST("no v1 memory controller here");
  const auto limits = [&] {
    return box.read("memory", "memory.limit_in_bytes") + " " +
           box.read("memory", "memory.memsw.limit_in_bytes");
  };
  box->apply(memory(16 * mebi, 32 * mebi));
  CHECK(limits() == "16777216 33554432");
  box->update(memory(64 * mebi, 64 * mebi));
  CHECK(limits() == "67108864 67108864");
  box->update(memory(8 * mebi, 8 * mebi));
  CHECK(limits() == "8388608 8388608");
  const Error error = error_of([&] { box->update(memory(16 * mebi)); });
  CHECK_THAT(error.hint(), Catch::Contains("8388608 bytes; raise memory.swap"));
  CHECK(limits() == "8388608 8388608");
  box->update(memory(-1));
  CHECK(limits() == "9223372036854771712 9223372036854771712");
}

TEST_CASE("quota and period are written in the order a parent's limit wants", "[cgroups][root]") {
  NEED_CGROUPS();
  const std::string parent_path = "/" + unique_name();
  const Box parent(host(), parent_path);
  if (!parent.v1("cpu")) SKIP_TEST("no v1 cpu controller here");
  Resources resources;
  resources.cpu.emplace().quota = 50000;
  resources.cpu->period = 100000;
  parent->apply(resources);
  const Box box(host(), parent_path + "/a");
  box->apply(resources);
  resources.cpu->quota = 10000;
  resources.cpu->period = 20000;  // the old quota in it would be more than the parent's
  box->update(resources);
  CHECK(box.read("cpu", "cpu.cfs_quota_us") == "10000");
  CHECK(box.read("cpu", "cpu.cfs_period_us") == "20000");
  resources.cpu->burst = 10000;
  box->update(resources);
  resources.cpu->quota = 5000;  // less than the old burst
  resources.cpu->burst = 1000;
  box->update(resources);
  CHECK(box.read("cpu", "cpu.cfs_quota_us") == "5000");
  CHECK(box.read("cpu", "cpu.cfs_burst_us") == "1000");
  resources.cpu->quota = 30000;
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/cpu/quota");
  CHECK_THAT(error.hint(), Catch::Contains("the parent cgroup has 50000 in 100000 us"));
  CHECK(box.read("cpu", "cpu.cfs_quota_us") == "5000");
}

TEST_CASE("an idle cgroup gets its shares after it is no longer idle", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  if (!box.has("cpu", "cpu.idle")) SKIP_TEST("the kernel has no cpu.idle");
  Resources resources;
  resources.cpu.emplace().shares = 2048;
  resources.cpu->idle = 1;
  box->apply(resources);
  CHECK(box.read("cpu", "cpu.idle") == "1");
  resources.cpu->idle.reset();
  CHECK_THAT(error_of([&] { box->update(resources); }).hint(), Catch::Contains("set cpu.idle to 0"));
  resources.cpu->idle = 0;
  box->update(resources);
  CHECK(box.read("cpu", "cpu.idle") == "0");
  if (box.v1("cpu"))
    CHECK(box.read("cpu", "cpu.shares") == "2048");
  else
    CHECK(box.read("cpu", "cpu.weight") == "174");
}

TEST_CASE("real-time runtime comes from the parents, those that were made with the cgroup",
          "[cgroups][root]") {
  NEED_CGROUPS();
  const std::string parent = "/" + unique_name();
  Resources resources;
  resources.cpu.emplace().realtime_runtime = 1000;
  resources.cpu->realtime_period = 500000;
  const Box box(host(), parent + "/a/b");
  if (!box.has("cpu", "cpu.rt_runtime_us")) SKIP_TEST("the kernel has no real-time groups");
  box->apply(resources);
  CHECK(box.read("cpu", "cpu.rt_runtime_us") == "1000");
  CHECK(box.read("cpu", "../cpu.rt_runtime_us") == "1000");
  CHECK(box.read("cpu", "../../cpu.rt_period_us") == "500000");
  const Box sibling(host(), parent + "/a/c");
  const Error error = error_of([&] { sibling->apply(resources); });
  CHECK_THAT(error.hint(), Catch::Contains("the parent cgroup has a real-time runtime of 1000 in 500000 us"));
}

TEST_CASE("an update that fails leaves what was in force", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  Resources resources = memory(64 * mebi);
  resources.pids_limit = 20;
  resources.cpu.emplace().quota = 50000;
  box->apply(resources);
  const auto state = [&] {
    return box.read("memory", box.v1("memory") ? "memory.limit_in_bytes" : "memory.max") + ", " +
           box.read("pids", "pids.max") + ", " +
           (box.v1("cpu") ? box.read("cpu", "cpu.cfs_quota_us") : box.read("cpu", "cpu.max"));
  };
  const std::string before = state();
  resources.memory->limit = 32 * mebi;
  resources.cpu->quota = 60000;
  resources.pids_limit = 9223372036854775807;  // more than the kernel takes
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/pids/limit");
  CHECK(state() == before);
  resources.pids_limit = 0;
  box->update(resources);
  CHECK(state() != before);
  CHECK(box.read("pids", "pids.max") == "0");
}

TEST_CASE("a memory limit below what is in use is refused", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  const Eater eater(box, 32 * mebi);
  Resources resources = memory(4 * mebi);
  resources.memory->check_before_update = true;
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/memory/limit");
  CHECK_THAT(error.what(), Catch::Contains("in use"));
  box->update(memory(256 * mebi));
}

TEST_CASE("huge pages are limited where the host has their controller", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  Resources resources;
  resources.hugepage_limits = {{"2MB", 4 * mebi}};
  try {
    box->apply(resources);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::unsupported) SKIP_TEST("no hugetlb controller here");
    throw;
  }
  const std::string limit = box.v1("hugetlb") ? ".limit_in_bytes" : ".max";
  CHECK(box.read("hugetlb", "hugetlb.2MB" + limit) == "4194304");
  CHECK(box.read("hugetlb", "hugetlb.2MB.rsvd" + limit) == "4194304");
  resources.hugepage_limits[0].page_size = "3MB";
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/hugepageLimits/0");
  CHECK(error.kind() == ErrorKind::unsupported);
  CHECK_THAT(error.hint(), Catch::Contains("2MB"));
}

TEST_CASE("throttles of devices are set, and a device that isn't there is named", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  Resources resources;
  resources.block_io.emplace().throttle_write_iops.push_back({0, 0, 100});
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/blockIO/throttleWriteIOPSDevice/0");
  CHECK(error.error_number() == ENODEV);
  CHECK_THAT(error.hint(), Catch::Contains("no such block device"));
  std::ifstream partitions("/proc/partitions");
  std::string header;
  std::getline(partitions, header);
  std::int64_t major = 0, minor = 0;
  if (!(partitions >> major >> minor)) SKIP_TEST("no block device here");
  resources.block_io->throttle_write_iops[0] = {major, minor, 100};
  box->update(resources);
  const std::string file = box.v1("blkio") ? "blkio.throttle.write_iops_device" : "io.max";
  CHECK_THAT(box.read("blkio", file), Catch::Contains(std::to_string(major) + ":" + std::to_string(minor)));
  resources.block_io->throttle_write_iops[0].rate = 0;
  box->update(resources);
  CHECK(box.read("blkio", file).empty());
}

TEST_CASE("a controller that is not there is named, with the way to it", "[cgroups][root]") {
  NEED_CGROUPS();
  const Box box;
  Resources resources;
  resources.rdma["mlx5_0"].hca_handles = 1;
  const Error error = error_of([&] { box->update(resources); });
  CHECK(error.origin() == "/linux/resources/rdma/mlx5_0");
  CHECK_FALSE(error.hint().empty());
  if (error.kind() == ErrorKind::unsupported)
    CHECK_THAT(error.what(), Catch::Contains("\"rdma\""));
  else
    CHECK_THAT(error.hint(), Catch::Contains("RDMA device"));
}
