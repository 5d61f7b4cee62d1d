#include "runtime/remove.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <sstream>

#include "cgroups/manager.hpp"
#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "sys/error.hpp"
#include "tests/harness/skip.hpp"
#include "tests/unit/runtime/state_directory.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::test::StateRoot;
using ocx::test::WaitingProcess;

namespace {

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

void save(const StateRoot& root, const Record& record, bool gate = false) {
  const StateDirectory directory = StateDirectory::reserve(root.globals(), record.id);
  directory.save(record);
  if (gate) directory.make_gate();
}

std::string unique_cgroup() {
  static int count = 0;
  return "/ocx-unit-remove-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

TEST_CASE("delete of what isn't there", "[remove]") {
  const StateRoot root;
  CHECK_THROWS_WITH(remove(root.globals(), {"x", false}), messages::does_not_exist);
  CHECK_NOTHROW(remove(root.globals(), {"x", true}));
  CHECK_FALSE(exists(root.globals().root));
}

TEST_CASE("a stray directory goes, with --force without an error", "[remove]") {
  const StateRoot root;
  const bool force = GENERATE(true, false);
  StateDirectory::reserve(root.globals(), "x");
  if (force)
    CHECK_NOTHROW(remove(root.globals(), {"x", true}));
  else
    CHECK_THROWS_WITH(remove(root.globals(), {"x", false}), messages::does_not_exist);
  CHECK_FALSE(exists(root.of("x")));
}

TEST_CASE("a damaged record needs --force", "[remove]") {
  const StateRoot root;
  StateDirectory::reserve(root.globals(), "x");
  std::ofstream(root.of("x/state.json")) << "{";
  CHECK_THROWS_WITH(remove(root.globals(), {"x", false}), Catch::Contains("damaged"));
  CHECK(exists(root.of("x")));
  CHECK_NOTHROW(remove(root.globals(), {"x", true}));
  CHECK_FALSE(exists(root.of("x")));
}

TEST_CASE("what delete does in which state", "[remove]") {
  const StateRoot root;
  const WaitingProcess init;
  Record record = init.record("x");

  SECTION("running, without --force") {
    save(root, record);
    CHECK_THROWS_WITH(remove(root.globals(), {"x", false}),
                      Catch::StartsWith("cannot delete container x that is not stopped: running"));
    CHECK(init.is_running());
    CHECK(exists(root.of("x/state.json")));
  }
  SECTION("running, with --force") {
    save(root, record);
    remove(root.globals(), {"x", true});
    CHECK(init.killed_by() == SIGKILL);
    CHECK_FALSE(exists(root.of("x")));
  }
  SECTION("created") {
    save(root, record, true);
    remove(root.globals(), {"x", false});
    CHECK(init.killed_by() == SIGKILL);
    CHECK_FALSE(exists(root.of("x")));
  }
  SECTION("stopped; another process has the pid now") {
    ++record.start_time;
    save(root, record);
    remove(root.globals(), {"x", false});
    CHECK(init.is_running());
    CHECK_FALSE(exists(root.of("x")));
  }
  SECTION("a create that died") {
    record.created = false;
    save(root, record);
    CHECK_THROWS_WITH(remove(root.globals(), {"x", false}), Catch::Contains("not stopped: creating"));
    remove(root.globals(), {"x", true});
    CHECK(init.killed_by() == SIGKILL);
    CHECK_FALSE(exists(root.of("x")));
  }
  SECTION("a create that died before it had a process") {
    record.created = false;
    record.pid = 0;
    record.cgroup_driver = CgroupDriver::cgroupfs;
    record.cgroup_paths = {{"memory", "/sys/fs/cgroup/memory/ocx-unit-not-there"}};
    record.cgroups_made = {"/sys/fs/cgroup/memory/ocx-unit-not-there"};
    save(root, record);
    remove(root.globals(), {"x", true});
    CHECK_FALSE(exists(root.of("x")));
  }
}

TEST_CASE("delete removes the cgroups the container made, with all that is in them", "[remove][root]") {
  if (::geteuid() != 0) SKIP_TEST("cgroups need root");
  const StateRoot root;
  const WaitingProcess init, other;
  const auto manager = cgroups::make_manager(
      {.driver = cgroups::Driver::cgroupfs, .cgroups_path = unique_cgroup() + "/a", .id = "x"});
  if (manager->paths().empty()) SKIP_TEST("no cgroups here");
  manager->create();
  const std::vector<std::string> made = manager->made();
  manager->attach(init.pid());
  manager->attach(other.pid());
  Record record = init.record("x");
  record.cgroup_driver = CgroupDriver::cgroupfs;
  record.cgroup_paths = manager->paths();
  record.cgroups_made = made;
  record.own_pid_namespace = false;
  const auto freezer = manager->paths().find("freezer");
  if (GENERATE(false, true) && freezer != manager->paths().end())
    std::ofstream(freezer->second + "/freezer.state") << "FROZEN";
  save(root, record);
  const auto begin = std::chrono::steady_clock::now();
  remove(root.globals(), {"x", true});
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
  CHECK(init.killed_by() == SIGKILL);
  CHECK(other.killed_by() == SIGKILL);
  for (const std::string& path : made) CHECK_FALSE(exists(path));
  CHECK_FALSE(exists(root.of("x")));
}

TEST_CASE("a create that died without a process kills nobody in a cgroup it may not own", "[remove][root]") {
  if (::geteuid() != 0) SKIP_TEST("cgroups need root");
  const StateRoot root;
  const WaitingProcess stranger;
  const auto manager = cgroups::make_manager(
      {.driver = cgroups::Driver::cgroupfs, .cgroups_path = unique_cgroup(), .id = "x"});
  if (manager->paths().empty()) SKIP_TEST("no cgroups here");
  manager->create();
  manager->attach(stranger.pid());
  Record record = stranger.record("x");
  record.created = false;
  record.pid = 0;
  record.cgroup_driver = CgroupDriver::cgroupfs;
  record.cgroup_paths = manager->paths();
  record.cgroups_made = manager->made();
  save(root, record);
  remove(root.globals(), {"x", true});
  CHECK(stranger.is_running());
  CHECK_FALSE(exists(root.of("x")));
  manager->remove();
}

TEST_CASE("poststop hooks see a stopped container whose state is gone", "[remove]") {
  const StateRoot root;
  const WaitingProcess init;
  Record record = init.record("x");
  std::filesystem::create_directories(root.globals().root);
  record.bundle = root.globals().root;
  const std::string out = root.globals().root + "/out";
  record.poststop = {
      {"/bin/false", {"false"}, std::nullopt, std::nullopt},
      {"/bin/sh", {"sh", "-c", "{ cat; pwd; test -e x || echo gone; } > out"}, std::nullopt, std::nullopt}};
  save(root, record);
  CHECK_NOTHROW(remove(root.globals(), {"x", true}));
  std::ostringstream text;
  text << std::ifstream(out).rdbuf();
  CHECK_THAT(text.str(), Catch::Contains("\"status\":\"stopped\"") && Catch::Contains(record.bundle + "\n") &&
                             Catch::Contains("gone"));
}
