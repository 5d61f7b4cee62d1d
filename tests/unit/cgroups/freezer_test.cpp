#include <catch2/catch.hpp>
#include <sys/mman.h>

#include <atomic>
#include <new>
#include <thread>

#include "cgroups/drivers.hpp"
#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

namespace {

/// A child that counts for as long as it runs.
class Counter {
 public:
  Counter()
      : count_(new (::mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<long>(0)),
        pid_(::fork()) {
    while (pid_ == 0) ++*count_;
  }
  ~Counter() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::munmap(count_, sizeof *count_);
  }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  int pid() const { return pid_; }
  bool counts() const {
    const long before = *count_;
    for (int i = 0; i < 100 && *count_ == before; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return *count_ != before;
  }
  bool stands_still() const {
    const long before = *count_;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return *count_ == before;
  }

 private:
  std::atomic<long>* count_;
  pid_t pid_;
};

}  // namespace

TEST_CASE("every member has stopped when freeze returns, and runs on after thaw", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const Counter one, two;
    manager->attach(one.pid());
    manager->attach(two.pid());
    for (int round = 0; round < 3; ++round) {
      manager->freeze();
      CHECK(manager->frozen());
      CHECK(one.stands_still());
      CHECK(two.stands_still());
      manager->freeze();  // again: nothing
      manager->thaw();
      CHECK_FALSE(manager->frozen());
      CHECK(one.counts());
      CHECK(two.counts());
    }
    manager->freeze();
    manager->remove();  // frozen members are no obstacle
  }
}

TEST_CASE("without a freezer there is no pause", "[cgroups][root]") {
  const auto manager = open_manager(Driver::cgroupfs, {{"memory", "/sys/fs/cgroup/memory/x"}}, {});
  CHECK_THROWS_WITH(manager->freeze(), Catch::Contains("no cgroup with a freezer"));
  CHECK_FALSE(manager->frozen());
}

TEST_CASE("a container that is gone can't be frozen", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const auto later = open_manager(Driver::cgroupfs, manager->paths(), manager->made());
    manager->remove();
    CHECK_THROWS_AS(later->freeze(), Error);
    CHECK_NOTHROW(later->thaw());
  }
}
