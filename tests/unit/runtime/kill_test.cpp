#include <catch2/catch.hpp>

#include <fstream>

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

/// A cgroup in every hierarchy, removed at the end.
class OwnCgroup {
 public:
  explicit OwnCgroup(const std::string& name)
      : manager_(cgroups::make_manager({.driver = cgroups::Driver::cgroupfs,
                                        .cgroups_path = "/ocx-unit-" + name + std::to_string(::getpid()),
                                        .id = "x"})) {
    manager_->create();
  }
  ~OwnCgroup() { manager_->remove(); }
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  void attach(const WaitingProcess& process) { manager_->attach(process.pid()); }
  void enter(Record& record) const {
    record.cgroup_driver = CgroupDriver::cgroupfs;
    record.cgroup_paths = manager_->paths();
    record.cgroups_made = manager_->made();
  }
  std::string freezer() const {
    const auto path = manager_->paths().find("freezer");
    return path == manager_->paths().end() ? "" : path->second + "/freezer.state";
  }

 private:
  std::unique_ptr<cgroups::Manager> manager_;
};

}  // namespace

TEST_CASE("kill sends a signal to a created or running container's init", "[kill]") {
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init;
  directory.save(init.record("x"));
  const sys::UniqueFd gate = directory.make_gate();
  kill(root.globals(), {"x", 0, false});
  CHECK(init.is_running());
  kill(root.globals(), {"x", SIGUSR1, false});
  CHECK(init.killed_by() == SIGUSR1);
  CHECK_THROWS_WITH(kill(root.globals(), {"x", SIGKILL, false}), messages::not_running);
  CHECK_NOTHROW(kill(root.globals(), {"x", SIGKILL, true}));
}

TEST_CASE("kill refuses what it can't do", "[kill]") {
  const StateRoot root;
  CHECK_THROWS_WITH(kill(root.globals(), {"x", SIGUSR1, false}), messages::does_not_exist);
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init;
  Record record = init.record("x");

  SECTION("while it is being created") {
    record.created = false;
    directory.save(record);
    CHECK_THROWS_WITH(kill(root.globals(), {"x", SIGKILL, false}),
                      Catch::Contains("container is being created"));
    CHECK_THROWS_WITH(kill(root.globals(), {"x", SIGKILL, true}),
                      Catch::Contains("container is being created"));
  }
  SECTION("a process that only has the pid") {
    ++record.start_time;
    directory.save(record);
    CHECK_THROWS_WITH(kill(root.globals(), {"x", SIGKILL, false}), messages::not_running);
    CHECK_NOTHROW(kill(root.globals(), {"x", SIGKILL, true}));
  }
  CHECK(init.is_running());
}

TEST_CASE("whom a signal reaches", "[kill][root]") {
  if (::geteuid() != 0) SKIP_TEST("cgroups need root");
  const StateRoot root;
  const StateDirectory directory = StateDirectory::reserve(root.globals(), "x");
  const WaitingProcess init, other, outside;
  OwnCgroup cgroup("kill-");
  cgroup.attach(init);
  cgroup.attach(other);
  Record record = init.record("x");
  cgroup.enter(record);

  SECTION("only init, when it has a pid namespace of its own") {
    directory.save(record);
    kill(root.globals(), {"x", SIGKILL, false});
    CHECK(init.killed_by() == SIGKILL);
    CHECK(other.is_running());
  }
  SECTION("SIGKILL all of a container that shares a pid namespace") {
    record.own_pid_namespace = false;
    directory.save(record);
    kill(root.globals(), {"x", SIGKILL, false});
    CHECK(init.killed_by() == SIGKILL);
    CHECK(other.killed_by() == SIGKILL);
  }
  SECTION("another signal only init of such a one") {
    record.own_pid_namespace = false;
    directory.save(record);
    kill(root.globals(), {"x", SIGUSR1, false});
    CHECK(init.killed_by() == SIGUSR1);
    CHECK(other.is_running());
  }
  SECTION("--all everybody") {
    directory.save(record);
    kill(root.globals(), {"x", SIGUSR1, true});
    CHECK(init.killed_by() == SIGUSR1);
    CHECK(other.killed_by() == SIGUSR1);
  }
  SECTION("--all what a stopped container has left") {
    ++record.start_time;
    directory.save(record);
    kill(root.globals(), {"x", SIGKILL, true});
    CHECK(other.killed_by() == SIGKILL);
  }
  SECTION("SIGKILL a paused container, which is thawed") {
    if (!cgroup.freezer().empty()) {
      directory.save(record);
      std::ofstream(cgroup.freezer()) << "FROZEN";
      kill(root.globals(), {"x", SIGKILL, false});
      CHECK(init.killed_by() == SIGKILL);
      std::string word;
      std::ifstream(cgroup.freezer()) >> word;
      CHECK(word == "THAWED");
    }
  }
  CHECK(outside.is_running());
}
