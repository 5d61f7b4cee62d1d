// Out of memory, refused forks and figures on the real kernel.
#include "cgroups/oom.hpp"

#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/mman.h>

#include <fstream>

#include "cgroups/controller.hpp"
#include "cgroups/drivers.hpp"
#include "cgroups/stats.hpp"
#include "sys/error.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

namespace {

/// A cgroup with a limit of 8 MiB and no swap.
struct Limited {
  explicit Limited(const Hierarchies& view)
      : manager(make_cgroupfs_manager(view, "/" + unique_name(), "id")), cleanup(manager->made()) {
    manager->create();
    const auto memory = find_controller(manager->paths(), "memory");
    usable = memory && set(*memory, memory->v2 ? "memory.max" : "memory.limit_in_bytes", "8388608");
    if (!usable) return;
    set(*memory, memory->v2 ? "memory.swap.max" : "memory.swappiness", "0");
  }
  ~Limited() { manager->remove(); }
  static bool set(const ControllerDirectory& directory, const std::string& file, const std::string& value) {
    std::ofstream out(directory.path + "/" + file);
    out << value << std::flush;
    return out.good();
  }
  /// A member that is killed for the memory it takes.
  void run_out() const {
    sys::Pipe gate = sys::make_pipe(sys::NonBlocking::none);
    sys::CloneResult child = sys::clone3(0);
    if (child.pid == 0) {
      char go = 0;
      static_cast<void>(!::read(gate.read.ref().raw(), &go, 1));
      constexpr std::size_t size = 64U << 20U;
      auto* block = static_cast<volatile char*>(
          ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
      for (std::size_t i = 0; i < size; i += 4096) block[i] = 1;
      ::_exit(0);
    }
    manager->attach(child.pid);
    REQUIRE(::write(gate.write.ref().raw(), "x", 1) == 1);
    CHECK(sys::wait_for_child(child.pidfd).signal == SIGKILL);
  }

  std::unique_ptr<Manager> manager;
  Cleanup cleanup;
  bool usable = false;
};

bool wakes(const OomWatch& watch, int timeout_ms) {
  std::vector<sys::PollEntry> entries = watch.entries();
  return sys::poll(entries, timeout_ms);
}

}  // namespace

TEST_CASE("an OOM kill is counted, announced once, and not announced to who comes later", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    Limited limited(view.hierarchies);
    if (limited.usable) {
      CHECK(oom_kills(limited.manager->paths()) == 0);
      OomWatch watch(limited.manager->paths());
      watch.take();
      CHECK_FALSE(wakes(watch, 0));
      CHECK(watch.take() == 0);
      limited.run_out();
      CHECK(oom_kills(limited.manager->paths()) == 1);
      REQUIRE(wakes(watch, 5000));
      CHECK(watch.take() == 1);
      CHECK(watch.take() == 0);
      CHECK_FALSE(watch.ended());
      OomWatch late(limited.manager->paths());
      CHECK(late.take() == 0);
    }
  }
}

TEST_CASE("an OOM kill right before the cgroup goes is announced, its end alone is not", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    for (const bool killed : {true, false}) {
      Limited limited(view.hierarchies);
      if (!limited.usable) continue;
      OomWatch watch(limited.manager->paths());
      const bool v1 = find_controller(limited.manager->paths(), "memory")->v2 == false;
      if (killed) limited.run_out();
      if (killed && !v1) CHECK(watch.take() == 1);
      limited.manager->remove();
      REQUIRE(wakes(watch, 5000));
      CHECK(watch.take() == (killed && v1 ? 1 : 0));
      CHECK(watch.ended());
      CHECK(watch.take() == 0);
      CHECK_FALSE(oom_kills(limited.manager->paths()));
      CHECK_THROWS_AS(OomWatch(limited.manager->paths()), Error);
    }
  }
}

TEST_CASE("without a controller nothing is known", "[cgroups]") {
  CHECK(!oom_kills({}));
  CHECK(!pids_refused({}));
  CHECK_THROWS_AS(OomWatch(Paths()), Error);
  CHECK(!oom_kills({{"memory", "/nonexistent"}}));
  CHECK_THROWS_AS(OomWatch(Paths{{"", "/nonexistent"}}), Error);
}

TEST_CASE("a refused fork is counted", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const auto pids = find_controller(manager->paths(), "pids");
    if (pids && Limited::set(*pids, "pids.max", "1")) {
      CHECK(pids_refused(manager->paths()) == 0);
      sys::Pipe gate = sys::make_pipe(sys::NonBlocking::none);
      sys::CloneResult child = sys::clone3(0);
      if (child.pid == 0) {
        char go = 0;
        static_cast<void>(!::read(gate.read.ref().raw(), &go, 1));
        ::_exit(::fork() < 0 ? 7 : 0);
      }
      manager->attach(child.pid);
      REQUIRE(::write(gate.write.ref().raw(), "x", 1) == 1);
      CHECK(sys::wait_for_child(child.pidfd).code == 7);
      CHECK(pids_refused(manager->paths()) == 1);
    }
    manager->remove();
  }
}

TEST_CASE("the figures are those of the files", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    Limited limited(view.hierarchies);
    const Sleeper sleeper;
    limited.manager->attach(sleeper.pid());
    const spec::Stats stats = read_stats(limited.manager->paths());
    if (limited.usable) {
      REQUIRE(stats.memory);
      CHECK(stats.memory->usage.limit == 8388608);
      CHECK_FALSE(stats.memory->raw.empty());
    } else {
      CHECK_FALSE(stats.memory);
    }
    if (find_controller(limited.manager->paths(), "pids")->v2 == false) {
      REQUIRE(stats.pids);
      CHECK(stats.pids->current == 1);
      CHECK_FALSE(stats.pids->limit);
      CHECK(stats.cpuset->cpus.size() == stats.cpu->percpu.size());
    }
    CHECK(stats.cpu);
  }
}

TEST_CASE("the figures of a cgroup that is gone are an error that says so", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    manager->create();
    manager->remove();
    CHECK_THROWS_WITH(read_stats(manager->paths()), Catch::Contains("is gone"));
  }
}
