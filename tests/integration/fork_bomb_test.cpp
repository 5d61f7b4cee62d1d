// A fork bomb stays in its container, the machine does not notice, and it is gone at once.
#include <catch2/catch.hpp>
#include <signal.h>

#include <algorithm>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;

namespace {

constexpr long limit = 20;

// awk survives a fork that is refused, and tries again at once; the shell in between is waited for, so that
// no zombies fill the places: the bomb is always at the limit and never dies.
constexpr const char* bomb = "BEGIN { for (;;) system(\"awk -f /bomb.awk &\") }";

struct Bomb {
  Bundle bundle;
  Container container{bundle};
  Path directory;

  explicit Bomb(bool own_pids) {
    write_file(bundle.rootfs() / "bomb.awk", bomb);
    bundle.shell("awk -f /bomb.awk 2>/dev/null & exec /bin/probe pause");
    if (!own_pids) bundle.remove_namespace("pid");
    bundle.config["linux"]["resources"]["pids"] = {{"limit", limit}};
    REQUIRE_OK(container.create());
    directory = limit_directory(container, "pids");
    REQUIRE_OK(container.start());
    wait_for_change(directory / "pids.events", [this] { return forks_refused(directory) >= 50; });
  }
  /// Not pids.current: the kernel counts a fork there before it refuses it (pids_try_charge()).
  long current() const { return static_cast<long>(cgroup_members(directory).size()); }
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return Seconds(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("a fork bomb stays at its limit, and the host can fork", "[limits][pids][fork_bomb]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bomb test(true);
  long refused = forks_refused(test.directory), highest = 0;
  for (int i = 0; i < 25; ++i) {
    for (int sample = 0; sample < 40; ++sample) highest = std::max(highest, test.current());
    REQUIRE_OK(run({"/bin/true"}));
  }
  CHECK(highest <= limit);
  CHECK(highest > limit / 2);
  // It is a live one.
  CHECK(forks_refused(test.directory) > refused);
  CHECK(test.container.status() == "running");

  auto begin = std::chrono::steady_clock::now();
  REQUIRE_OK(test.container.kill("KILL"));
  CHECK(test.container.wait_exit() == 128 + SIGKILL);
  REQUIRE_OK(test.container.remove());
  CHECK(seconds_since(begin) < 5);
  CHECK(test.container.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a fork bomb is deleted by force, with or without a pid namespace",
          "[limits][pids][fork_bomb][contract]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  for (bool own_pids : {true, false}) {
    INFO("own pid namespace: " << own_pids);
    Bomb test(own_pids);
    auto begin = std::chrono::steady_clock::now();
    REQUIRE_OK(test.container.force_delete());
    CHECK(seconds_since(begin) < 5);
    test.container.wait_exit();
    CHECK(test.container.leftovers() == std::vector<std::string>{});
  }
}

TEST_CASE("a container that forks while it is being killed is killed completely",
          "[limits][pids][fork_bomb]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bomb test(false);
  REQUIRE_OK(test.container.kill("KILL", {"--all"}));
  CHECK(test.container.wait_exit() == 128 + SIGKILL);
  // Only those that were dying when the command returned may still be there.
  for (pid_t member : cgroup_members(test.directory)) CHECK(wait_gone(member));
  CHECK(cgroup_members(test.directory).empty());
  REQUIRE_OK(test.container.remove());
}
