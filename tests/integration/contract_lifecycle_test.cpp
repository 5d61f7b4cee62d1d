// The ways in which engines end containers, and what they survive themselves: docs/engine-contract.md,
// "Life".
#include <signal.h>

#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

/// `containerd-shim delete`: after the shim has gone, its bundle and log with it.
void shim_delete(Container& container, const std::string& state) {
  INFO(state);
  Shim shim(container, "/run/no-such-bundle/log.json");
  shim.options.timeout = Seconds(10);
  for (int round = 0; round < 2; ++round) {
    const Result result = shim.call({"delete", "--force", container.id()});
    INFO(result.describe());
    CHECK(result.status == 0);
    CHECK((result.out + result.err).empty());
  }
  container.wait_exit();
  CHECK(container.leftovers().empty());
}

}  // namespace

TEST_CASE("contract: delete --force as containerd's last call, whatever state the container is in",
          "[contract][delete][pause]") {
  ONLY_OCX("runc insists on its log");
  const std::string state = GENERATE("created", "paused before start", "running", "paused", "stopped");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  const bool started = state != "created" && state != "paused before start";
  if (started) REQUIRE_OK(container.start());
  if (contains(state, "paused")) REQUIRE_OK(container.command({"pause", container.id()}));
  if (state == "stopped") {
    REQUIRE_OK(container.kill("KILL"));
    REQUIRE(wait_gone(container.pid()));  // not reaped: that is another's business
  }
  shim_delete(container, state);
}

TEST_CASE(
    "contract: an engine that dies while create runs takes the runtime along, and delete --force the rest",
    "[contract][crash][hooks]") {
  ONLY_OCX("runc leaves cgroups behind when it dies before its first state.json");
  const std::string kind = GENERATE("createRuntime", "createContainer");
  Bundle bundle;
  const Path log = bundle.scratch() / "log";
  bundle.config["hooks"][kind] = json::array({{{"path", host_probe()}, {"args", {"probe", "block", log}}}});
  Container container(bundle);
  bundle.save();
  Child engine(
      joined({"sh", "-c", "setpriv --pdeathsig KILL \"$@\"; exit $?", "sh"}, container.create_argv()), {});
  const pid_t hook = std::stoi(wait_for_file(log).substr(4));
  engine.signal(SIGKILL);
  engine.wait();
  if (kind == "createRuntime") {
    ::kill(hook, SIGKILL);  // on the host, and nobody's but the hook's author's
    wait_and_reap(hook);
  }
  REQUIRE_OK(container.force_delete());
  for (pid_t pid : adopted_children()) CHECK(wait_gone(pid, Seconds(5)));
  for (const std::string& thing : container.leftovers()) FAIL_CHECK("left behind: " << thing);
  bundle.config.erase("hooks");
  REQUIRE_OK(container.create());
}

TEST_CASE("contract: what create could not make leaves no trace, and its id is free", "[contract][create]") {
  Bundle bundle({"/no/such"});
  Container container(bundle);
  bundle.save();
  const Shim shim(container, bundle.path() / "log.json");
  const Path pid_file = bundle.path() / "init.pid";
  const Words create{"create", "--bundle", bundle.path(), "--pid-file", pid_file, container.id()};
  CHECK(shim.call(create).status == 1);
  CHECK_FALSE(std::filesystem::exists(pid_file));
  CHECK(container.leftovers().empty());
  const Result forced = shim.call({"delete", "--force", container.id()});
  REQUIRE_OK(forced);
  CHECK((forced.out + forced.err).empty());
  bundle.args({"/bin/probe", "exit", "0"});
  bundle.save();
  REQUIRE_OK(shim.call(create));
  CHECK(strict_pid(read_file(pid_file)) == container.pid());
}

// CRI-O stops with `kill ID 15`, then `kill ID KILL` until it is gone.
TEST_CASE("contract: stop as CRI-O and podman do, of a program that ignores SIGTERM", "[contract][kill]") {
  Bundle bundle({"/bin/probe", "trap", "/signals"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const Path file = bundle.rootfs() / "signals";
  wait_for_file(file);
  const Words root{"--root", container.root()};
  const auto kill = [&](const Words& words) { return direct_call(root, joined({"kill"}, words)); };
  REQUIRE_OK(kill({container.id(), "15"}));
  wait_for_lines(file, 2);
  REQUIRE_OK(kill({"--all", container.id(), "15"}));
  wait_for_lines(file, 3);
  REQUIRE_OK(kill({"-a", container.id(), "15"}));
  wait_for_lines(file, 4);
  REQUIRE_OK(kill({container.id()}));  // buildah: no signal is SIGTERM
  wait_for_lines(file, 5);
  CHECK(lines(read_file(file)) == Words{"ready", "15", "15", "15", "15"});
  REQUIRE_OK(kill({container.id(), "KILL"}));
  REQUIRE(wait_gone(container.pid()));
  // Repeated until this is said, whether or not anybody has reaped it.
  CHECK(contains(kill({container.id(), "KILL"}).err, "container not running"));
  CHECK(container.wait_exit() == 137);
  CHECK(contains(kill({container.id(), "KILL"}).err, "container not running"));
}

TEST_CASE("contract: a killed, paused container of containerd's: kill, resume, delete",
          "[contract][kill][pause]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  REQUIRE_OK(container.command({"pause", container.id()}));
  REQUIRE_OK(container.kill("9"));
  CHECK(container.wait_exit() == 137);
  container.command({"resume", container.id()});  // comes late, may fail
  CHECK(container.status() == "stopped");
  REQUIRE_OK(container.remove());
}

TEST_CASE("contract: a build step as BuildKit runs it", "[contract][run]") {
  Bundle bundle({"/bin/probe", "trap", "/signals"});
  Container container(bundle);
  bundle.save();
  const Words globals{"--root", container.root(), "--log", bundle.scratch() / "runc-log.json", "--log-format",
                      "json"};
  Child step(joined({"setsid", "setpriv", "--pdeathsig", "KILL", runtime_path()},
                    joined(globals, {"run", "--bundle", bundle.path(), "--keep", container.id()})),
             {});
  const Path file = bundle.rootfs() / "signals";
  wait_for_file(file);
  CHECK(container.status() == "running");
  const pid_t init = container.pid();
  const std::string cgroup = cgroup_directory_of(init, "memory");
  step.signal(SIGUSR1);  // to the runtime: for the program
  CHECK(lines(wait_for_lines(file, 2))[1] == std::to_string(SIGUSR1));
  REQUIRE_OK(container.command({"kill", container.id(), "9"}));
  CHECK(step.wait().status == 137);
  CHECK_FALSE(process_exists(init));
  CHECK(container.status() == "stopped");
  // Read for statistics before delete.
  CHECK_FALSE(read_file(cgroup + (cgroup_v2() ? "/memory.events" : "/memory.usage_in_bytes")).empty());
  CHECK(read_file(bundle.scratch() / "runc-log.json").empty());
  REQUIRE_OK(container.remove());
  CHECK_FALSE(std::filesystem::exists(cgroup));
}

TEST_CASE(
    "contract: run that can't set up its container never ends with 0, and without --keep leaves nothing",
    "[contract][run]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  bundle.config["hostname"] = std::string(100, 'h');
  const Result failed = container.run();
  CHECK(failed.status == 1);
  CHECK(error_message(failed).size() > 0);
  CHECK(container.leftovers().empty());
  bundle.config["hostname"] = "fine";
  CHECK(container.run().status == 0);
  CHECK(container.leftovers().empty());
}
