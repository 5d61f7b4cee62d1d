// `pause` and `resume`: all processes stand still, and go on as if nothing had been.
#include <catch2/catch.hpp>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;

namespace {

// A container that answers each line of its stdin.
struct Echo {
  Bundle bundle{{"/bin/busybox", "cat"}};
  Container container{bundle};
  Pipe in = make_pipe(), out = make_pipe();

  Echo() {
    RunOptions options;
    options.fds = {{0, in.read_end.get()}, {1, out.write_end.get()}};
    REQUIRE_OK(container.create({}, options));
    in.read_end.close();
    out.write_end.close();
    REQUIRE_OK(container.start());
  }
  void say(const std::string& line) {
    REQUIRE(write(in.write_end.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  void hear(const std::string& line) { CHECK(contains(read_until(out.read_end.get(), line), line)); }
  bool silent() const {
    pollfd file{out.read_end.get(), POLLIN, 0};
    return poll(&file, 1, 0) == 0;
  }
};

Result pause(Container& container) {
  return container.command({"pause", container.id()});
}

Result resume(Container& container) {
  return container.command({"resume", container.id()});
}

// CPU time the container has used, in the kernel's unit.
long cpu_used(const Container& container) {
  if (cgroup_v2()) return keyed_value(limit_file(container, "cpu", "cpu.stat"), "usage_usec");
  return std::stol(limit_file(container, "cpuacct", "cpuacct.usage"));
}

void wait_for_cpu_use(const Container& container) {
  long before = cpu_used(container);
  auto end = std::chrono::steady_clock::now() + default_timeout;
  while (cpu_used(container) == before) REQUIRE(std::chrono::steady_clock::now() < end);
}

void check_dead(Container& container) {
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.status() == "stopped");
}

}  // namespace

TEST_CASE("a paused container does nothing; a resumed one goes on where it was", "[pause]") {
  Echo echo;
  echo.say("one\n");
  echo.hear("one\n");
  for (const char* line : {"two\n", "three\n"}) {
    REQUIRE_OK(pause(echo.container));
    CHECK(echo.container.status() == "paused");
    CHECK(echo.container.state_json()["pid"] == echo.container.pid());
    echo.say(line);
    // Each of these gives it many times the time of an answer.
    for (int i = 0; i < 3; ++i) REQUIRE_OK(echo.container.state());
    CHECK(echo.silent());
    REQUIRE_OK(resume(echo.container));
    CHECK(echo.container.status() == "running");
    echo.hear(line);
  }
}

TEST_CASE("pause stops every process of the container, and counts no CPU time for it", "[pause]") {
  Bundle bundle;
  bundle.shell("while :; do :; done & while :; do :; done");
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  wait_for_cpu_use(container);
  REQUIRE_OK(pause(container));
  long before = cpu_used(container);
  for (int i = 0; i < 3; ++i) REQUIRE_OK(run({"/bin/true"}));
  CHECK(cpu_used(container) == before);
  REQUIRE_OK(resume(container));
  wait_for_cpu_use(container);
}

TEST_CASE("pause works before start, and start waits for resume", "[pause][contract]") {
  Bundle bundle({"/bin/probe", "exit", "3"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(pause(container));
  CHECK(container.status() == "paused");
  CHECK(contains(error_message(container.start()), "cannot start a container in the paused state"));
  CHECK(container.status() == "paused");
  REQUIRE_OK(resume(container));
  CHECK(container.status() == "created");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 3);
}

TEST_CASE("what can't be paused or resumed stays as it is", "[pause][contract]") {
  Bundle bundle;
  Container container(bundle);
  CHECK(contains(error_message(pause(container)), "container does not exist"));
  CHECK(contains(error_message(resume(container)), "container does not exist"));
  REQUIRE_OK(container.create());
  CHECK(contains(error_message(resume(container)), "container not paused"));
  REQUIRE_OK(container.start());
  CHECK(contains(error_message(resume(container)), "container not paused"));
  CHECK(container.status() == "running");
  REQUIRE_OK(pause(container));
  CHECK(contains(error_message(pause(container)), "container not running"));
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.kill("KILL"));
  check_dead(container);
  CHECK(contains(error_message(pause(container)), "container not running"));
  CHECK(contains(error_message(resume(container)), "container not paused"));
  CHECK(container.status() == "stopped");
}

TEST_CASE("signals wait for resume", "[pause][kill]") {
  Bundle bundle({"/bin/probe", "trap", "/signals"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  Path file = bundle.rootfs() / "signals";
  wait_for_file(file);
  REQUIRE_OK(pause(container));
  REQUIRE_OK(container.kill("USR1"));
  // runc 1.1 thaws for --all.
  REQUIRE_OK(container.kill(
      "USR2", runtime_is_runc() ? std::vector<std::string>{} : std::vector<std::string>{"--all"}));
  CHECK(container.status() == "paused");
  CHECK(lines(read_file(file)).size() == 1);
  REQUIRE_OK(resume(container));
  std::vector<std::string> seen = lines(wait_for_lines(file, 3));
  CHECK(seen == std::vector<std::string>{"ready", std::to_string(SIGUSR1), std::to_string(SIGUSR2)});
}

TEST_CASE("SIGKILL ends a paused container", "[pause][kill][contract]") {
  Bundle bundle({"/bin/probe", "spawn", "/child"});
  bool own_pids = GENERATE(true, false);
  if (!own_pids) bundle.remove_namespace("pid");
  Container container(bundle);
  REQUIRE_OK(container.create());
  SECTION("created") {
    REQUIRE_OK(pause(container));
    REQUIRE_OK(container.kill("KILL"));
    check_dead(container);
  }
  SECTION("running") {
    REQUIRE_OK(container.start());
    std::string line = wait_for_file(bundle.rootfs() / "child");
    REQUIRE_OK(pause(container));
    bool all = runtime_is_runc() && !own_pids;  // runc 1.1 kills the others only so
    REQUIRE_OK(container.kill("9", all ? std::vector<std::string>{"--all"} : std::vector<std::string>{}));
    check_dead(container);
    if (!own_pids) CHECK(wait_gone(std::stoi(line.substr(4))));
  }
  SECTION("with --all") {
    REQUIRE_OK(container.start());
    wait_for_file(bundle.rootfs() / "child");
    REQUIRE_OK(pause(container));
    REQUIRE_OK(container.kill("KILL", {"--all"}));
    check_dead(container);
  }
  REQUIRE_OK(container.remove());
}

TEST_CASE("delete of a paused container needs --force", "[pause][delete]") {
  Bundle bundle;
  bool started = GENERATE(true, false);
  Container container(bundle);
  REQUIRE_OK(container.create());
  if (started) REQUIRE_OK(container.start());
  REQUIRE_OK(pause(container));
  CHECK(contains(error_message(container.remove()),
                 "cannot delete container " + container.id() + " that is not stopped: paused"));
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(container.leftovers() == std::vector<std::string>{});
}

TEST_CASE("a fork bomb can be paused, resumed and killed while paused", "[pause][fork_bomb]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  write_file(bundle.rootfs() / "bomb.awk", "BEGIN { for (;;) system(\"awk -f /bomb.awk &\") }");
  bundle.shell("awk -f /bomb.awk 2>/dev/null & exec /bin/probe pause");
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 20}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "pids");
  REQUIRE_OK(container.start());
  const auto refused_again = [&] {
    long before = forks_refused(directory);
    wait_for_change(directory / "pids.events", [&] { return forks_refused(directory) > before; });
  };
  for (int round = 0; round < 3; ++round) {
    refused_again();
    REQUIRE_OK(pause(container));
    long before = forks_refused(directory);
    std::string members = read_file(directory / "cgroup.procs");
    REQUIRE_OK(container.state());
    CHECK(container.status() == "paused");
    CHECK(forks_refused(directory) == before);
    CHECK(read_file(directory / "cgroup.procs") == members);
    if (round < 2) REQUIRE_OK(resume(container));
  }
  REQUIRE_OK(container.kill("KILL"));
  check_dead(container);
  REQUIRE_OK(container.remove());
}

TEST_CASE("a kill wins against a pause at the same time", "[pause][kill]") {
  ONLY_OCX("others leave a killed container frozen");
  Bundle bundle;
  for (int round = 0; round < 10; ++round) {
    Container container(bundle);
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    Child pausing = container.spawn({"pause", container.id()});
    Child killing = container.spawn({"kill", container.id(), "KILL"});
    CHECK(killing.wait().status == 0);
    pausing.wait();
    check_dead(container);
  }
}

TEST_CASE("pause and resume take all containers that match", "[pause][regex]") {
  ONLY_OCX("runc has no --regex");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.command({"pause", "--regex", "^" + container.id() + "$"}));
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.command({"resume", "-r", "^" + container.id()}));
  CHECK(container.status() == "created");
}

TEST_CASE("without a cgroup there is no pause", "[pause]") {
  if (runtime_is_runc()) SKIP_TEST("runc has no such option");
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(container.command(
      {"--cgroup-manager", "disabled", "create", "--bundle", bundle.path(), container.id()}));
  CHECK(contains(error_message(pause(container)), "no cgroup"));
  CHECK(contains(error_message(container.command({"update", "--pids-limit", "5", container.id()})),
                 "no cgroup"));
  CHECK(container.status() == "created");
}
