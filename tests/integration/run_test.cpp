// `run`: exit codes, signals, what stays and what does not. Terminals are in console_test.cpp.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/harness/cgroup.hpp"
#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

Child run_in_foreground(Container& container, const std::vector<std::string>& flags = {}) {
  container.bundle().save();
  std::vector<std::string> args{"run", "--bundle", container.bundle().path()};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back(container.id());
  return container.spawn(args);
}

// Without a pid namespace the payload is no pid 1: signals have their usual effect on it.
void use_host_pids(Bundle& bundle) {
  bundle.remove_namespace("pid");
  if (json* proc = bundle.find_mount("/proc"))
    *proc = {{"destination", "/proc"}, {"type", "bind"}, {"source", "/proc"}, {"options", {"rbind", "ro"}}};
  bundle.config["linux"]["maskedPaths"] = json::array();
  bundle.config["linux"]["readonlyPaths"] = json::array();
}

}  // namespace

TEST_CASE("run ends with the program's exit code and leaves nothing", "[run]") {
  for (int code : {0, 1, 7, 126, 255}) {
    INFO(code);
    Bundle bundle({"/bin/probe", "exit", std::to_string(code)});
    Container container(bundle);
    Result result = container.run();
    INFO(result.describe());
    CHECK(result.status == code);
    CHECK(result.err.empty());
    for (const std::string& thing : container.leftovers()) FAIL_CHECK("left behind: " << thing);
    CHECK(contains(error_message(container.state()), "does not exist"));
  }
}

TEST_CASE("run passes stdin, stdout and stderr through", "[run][contract]") {
  Bundle bundle;
  bundle.shell("cat; echo problem >&2");
  Container container(bundle);
  RunOptions options;
  options.input = "one\ntwo\n";
  Result result = container.run({}, options);
  REQUIRE_OK(result);
  CHECK(result.out == "one\ntwo\n");
  CHECK(result.err == "problem\n");
}

TEST_CASE("run --keep leaves a stopped container with its cgroup", "[run][contract]") {
  Bundle bundle({"/bin/probe", "exit", "5"});
  Container container(bundle);
  CHECK(container.run({"--keep"}).status == 5);
  json state = container.state_json();
  CHECK(state["status"] == "stopped");
  CHECK(state["pid"] == 0);
  // systemd ends a scope without processes, whoever wants to keep it.
  if (!systemd_cgroups()) CHECK_FALSE(cgroups_with(container.id()).empty());
  CHECK(contains(error_message(container.run()), "exist"));
  REQUIRE_OK(container.remove());
  CHECK(container.leftovers().empty());
}

TEST_CASE("run --detach returns while the program runs", "[run]") {
  Bundle bundle({"/bin/probe", "trap", "/log"});
  Container container(bundle);
  Result result = container.run({"--detach"});
  REQUIRE_OK(result);
  CHECK(result.out.empty());
  CHECK(result.err.empty());
  CHECK(container.status() == "running");
  CHECK(parent_of(container.pid()) == getpid());
  wait_for_file(bundle.rootfs() / "log");
  REQUIRE_OK(container.kill("USR1"));
  CHECK(wait_for_lines(bundle.rootfs() / "log", 2) == "ready\n" + std::to_string(SIGUSR1) + "\n");
  REQUIRE_OK(container.kill("KILL"));
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.status() == "stopped");
  REQUIRE_OK(container.remove());
}

TEST_CASE("run --detach of a program that can't be run fails and leaves nothing", "[run]") {
  Bundle bundle({"/bin/absent"});
  Container container(bundle);
  const Result result = container.run({"--detach"});
  INFO(result.describe());
  CHECK(contains(error_message(result), "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("run in the foreground forwards signals", "[run]") {
  Bundle bundle({"/bin/probe", "trap", "/log"});
  Container container(bundle);
  Child run = run_in_foreground(container);
  std::string expected = wait_for_file(bundle.rootfs() / "log");
  size_t count = 1;
  for (int number : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGQUIT}) {
    run.signal(number);
    expected += std::to_string(number) + "\n";
    CHECK(wait_for_lines(bundle.rootfs() / "log", ++count) == expected);
  }
  REQUIRE_OK(container.kill("KILL"));
  CHECK(run.wait().status == 128 + SIGKILL);
  CHECK(container.leftovers().empty());
}

TEST_CASE("a program that a signal ends makes run exit with 128 + N", "[run]") {
  for (int number : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    INFO(number);
    Bundle bundle;
    use_host_pids(bundle);
    bundle.shell("echo ready > /log; exec /bin/sleep 1000");
    Container container(bundle);
    Child run = run_in_foreground(container);
    wait_for_file(bundle.rootfs() / "log");
    run.signal(number);
    CHECK(run.wait().status == 128 + number);
    for (const std::string& thing : container.leftovers()) FAIL_CHECK("left behind: " << thing);
  }
}

TEST_CASE("a signal that comes while run prepares the container is for the program", "[run]") {
  ONLY_OCX("runc ends itself and leaves the container");
  Bundle bundle;
  use_host_pids(bundle);
  bundle.args({"/bin/sleep", "1000"});
  Path go = bundle.scratch() / "go", reached = bundle.scratch() / "reached";
  REQUIRE(mkfifo(go.c_str(), 0600) == 0);
  bundle.config["hooks"]["createRuntime"] =
      json::array({{{"path", "/bin/sh"},
                    {"args", {"sh", "-c", "echo now > " + reached.string() + "; cat " + go.string()}}}});
  Container container(bundle);
  Child run = run_in_foreground(container);
  wait_for_file(reached);
  run.signal(SIGTERM);
  write_file(go, "go\n");
  CHECK(run.wait().status == 128 + SIGTERM);
  CHECK(container.leftovers().empty());
}

TEST_CASE("run returns when the program ends although another process holds its output", "[run]") {
  Bundle bundle;
  bundle.shell("echo first; sleep 1000 & exit 3");
  Container container(bundle);
  Pipe output = make_pipe();
  bundle.save();
  RunOptions options;
  options.fds = {{1, output.write_end.get()}};
  Child run = container.spawn({"run", "--bundle", bundle.path(), container.id()}, options);
  output.write_end.close();
  CHECK(run.wait().status == 3);
  // Nothing of the container is left to hold it.
  CHECK(read_to_end(output.read_end.get()) == "first\n");
}

TEST_CASE("SIGKILL from outside is not called an OOM kill", "[run][limits]") {
  Bundle bundle({"/bin/probe", "trap", "/log"});
  bundle.config["linux"]["resources"]["memory"]["limit"] = 64 << 20;
  Container container(bundle);
  Child run = run_in_foreground(container);
  wait_for_file(bundle.rootfs() / "log");
  REQUIRE_OK(container.kill("KILL"));
  const Result result = run.wait();
  CHECK(result.status == 137);
  CHECK(result.err.empty());
}

TEST_CASE("a foreground run that is killed leaves its container running", "[run]") {
  Bundle bundle({"/bin/probe", "trap", "/log"});
  Container container(bundle);
  Child run = run_in_foreground(container);
  wait_for_file(bundle.rootfs() / "log");
  CHECK(container.status() == "running");
  const pid_t init = container.pid();
  run.signal(SIGKILL);
  CHECK(run.wait().status == 128 + SIGKILL);
  CHECK(process_exists(init));
  CHECK(container.status() == "running");
  REQUIRE_OK(container.kill("USR1"));
  CHECK(contains(wait_for_lines(bundle.rootfs() / "log", 2), std::to_string(SIGUSR1)));
  REQUIRE_OK(container.force_delete());
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.leftovers().empty());
}

TEST_CASE("a container that others delete does not confuse its foreground run", "[run]") {
  ONLY_OCX("runc says that it does not exist");
  Bundle bundle({"/bin/probe", "trap", "/log"});
  Container container(bundle);
  Child run = run_in_foreground(container);
  wait_for_file(bundle.rootfs() / "log");
  REQUIRE_OK(container.force_delete());
  Result result = run.wait();
  CHECK(result.status == 128 + SIGKILL);
  CHECK(result.err.empty());
}
