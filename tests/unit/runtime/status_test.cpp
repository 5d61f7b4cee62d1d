#include "runtime/status.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <fstream>

#include "cgroups/manager.hpp"
#include "runtime/list.hpp"
#include "runtime/operations.hpp"
#include "sys/error.hpp"
#include "tests/harness/skip.hpp"
#include "tests/unit/runtime/state_directory.hpp"

using namespace ocx;
using namespace ocx::runtime;
using ocx::spec::Status;
using ocx::test::StateRoot;
using ocx::test::WaitingProcess;

TEST_CASE("the status is looked up live", "[status]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init;
  Record record = init.record("x");
  CHECK(live_status(directory, record) == Status::running);
  const sys::UniqueFd gate = directory.make_gate();
  CHECK(live_status(directory, record) == Status::created);
  directory.close_gate();

  SECTION("creating until the record says created") {
    record.created = false;
    CHECK(live_status(directory, record) == Status::creating);
  }
  SECTION("another process with the pid") {
    ++record.start_time;
    CHECK(live_status(directory, record) == Status::stopped);
    CHECK_FALSE(open_init(record));
  }
  SECTION("a zombie") {
    ::kill(init.pid(), SIGKILL);
    REQUIRE(init.killed_by() == SIGKILL);
    CHECK(live_status(directory, record) == Status::stopped);
    CHECK_FALSE(open_init(record));
  }
  SECTION("no process") {
    for (const int pid : {0, -1}) {
      record.pid = pid;
      CHECK(live_status(directory, record) == Status::stopped);
      CHECK_FALSE(open_init(record));
    }
  }
}

TEST_CASE("paused is what the freezer says, before start, too", "[status][root]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init;
  Record record = init.record("x");
  const auto manager =
      cgroups::make_manager({.driver = cgroups::Driver::cgroupfs,
                             .cgroups_path = "/ocx-unit-status-" + std::to_string(::getpid()),
                             .id = "x"});
  const auto freezer = manager->paths().find("freezer");
  if (::geteuid() != 0 || freezer == manager->paths().end()) SKIP_TEST("no v1 freezer here");
  manager->create();
  record.cgroup_driver = CgroupDriver::cgroupfs;
  record.cgroup_paths = manager->paths();
  CHECK(live_status(directory, record) == Status::running);
  std::ofstream(freezer->second + "/freezer.state") << "FROZEN";
  CHECK(live_status(directory, record) == Status::paused);
  const sys::UniqueFd gate = directory.make_gate();
  CHECK(live_status(directory, record) == Status::paused);
  manager->remove();
}

TEST_CASE("the state of a container", "[status]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init;
  Record record = init.record("x");
  record.annotations = {{"k", "v"}};
  directory.save(record);
  const spec::State running = state(root.globals(), "x");
  CHECK(running.id == "x");
  CHECK(running.status == Status::running);
  CHECK(running.pid == init.pid());
  CHECK(running.bundle == "/");
  CHECK(running.rootfs == "/nowhere");
  CHECK(running.created == "2026-01-02T03:04:05.000000006Z");
  CHECK(running.annotations.at("k") == "v");
  CHECK(running.owner.empty());
  ::kill(init.pid(), SIGKILL);
  REQUIRE(init.killed_by() == SIGKILL);
  CHECK(state(root.globals(), "x").pid == 0);
}

TEST_CASE("list skips what it can't read", "[status]") {
  const StateRoot root;
  const WaitingProcess init;
  StateDirectory::reserve(root.globals(), "b").save(init.record("b"));
  StateDirectory::reserve(root.globals(), "a").save(init.record("a"));
  StateDirectory::reserve(root.globals(), "empty");
  StateDirectory::reserve(root.globals(), "damaged");
  std::ofstream(root.of("damaged/state.json")) << "{";
  const auto states = list(root.globals());
  REQUIRE(states.size() == 2);
  CHECK(states[0].id == "a");
  CHECK(states[1].id == "b");
  CHECK(states[0].owner == "root");
}

TEST_CASE("owners without NSS", "[status]") {
  const char* passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\n::\nanna:x:1000:1000::/:\nlate:x:1000:1:::\n";
  CHECK(owner_name(passwd, 0) == "root");
  CHECK(owner_name(passwd, 1000) == "anna");
  CHECK(owner_name(passwd, 1001) == "#1001");
  CHECK(owner_name("", 0) == "#0");
}
