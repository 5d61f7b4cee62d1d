// Each operation in each state: allowed ones work, the others fail and change nothing (runtime.md,
// "Operations").
#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

// An operation the state forbids: an error of one line, and `state` prints the same bytes as before.
void refused(Container& container, const std::vector<std::string>& command, const std::string& text) {
  std::string before = container.state().out;
  Result result = container.command(command);
  std::string message = error_message(result);
  INFO(result.describe());
  CHECK(contains(message, text));
  CHECK(container.state().out == before);
}

}  // namespace

TEST_CASE("one container through its whole life", "[lifecycle][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(container.status() == "created");
  REQUIRE_OK(container.start());
  CHECK(container.status() == "running");
  REQUIRE_OK(container.kill("KILL"));
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.status() == "stopped");
  REQUIRE_OK(container.remove());
  CHECK(contains(error_message(container.state()), "does not exist"));
}

TEST_CASE("a created container refuses a second create", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  refused(container, {"create", "--bundle", bundle.path(), container.id()}, "already exists");
  CHECK(process_exists(container.pid()));
  REQUIRE_OK(container.start());
  CHECK(container.status() == "running");
}

TEST_CASE("a running container refuses create, start and delete", "[lifecycle][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  refused(container, {"create", "--bundle", bundle.path(), container.id()}, "already exists");
  refused(container, {"start", container.id()}, "cannot start an already running container");
  refused(container, {"delete", container.id()},
          "cannot delete container " + container.id() + " that is not stopped: running");
  CHECK(process_exists(container.pid()));
}

TEST_CASE("a stopped container refuses create, start and kill", "[lifecycle][contract]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  refused(container, {"create", "--bundle", bundle.path(), container.id()}, "already exists");
  refused(container, {"start", container.id()}, "cannot start a container that has stopped");
  refused(container, {"kill", container.id(), "KILL"}, "container not running");
  refused(container, {"kill", container.id()}, "container not running");
}

TEST_CASE("a container that died before start is stopped", "[lifecycle]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  ::kill(container.pid(), SIGKILL);
  container.wait_exit();
  CHECK(container.status() == "stopped");
  refused(container, {"start", container.id()}, "cannot start a container that has stopped");
  REQUIRE_OK(container.remove());
}

TEST_CASE("every operation needs an id and fails for an unknown one", "[lifecycle]") {
  TempDir root;
  std::string state_root = root.path() / "state";
  std::filesystem::create_directory(state_root);
  for (const char* verb : {"state", "start", "kill", "delete"}) {
    INFO(verb);
    Result unknown = runtime({"--root", state_root, verb, "unknown-container"});
    CHECK(contains(error_message(unknown), "container does not exist"));
    Result empty = runtime({"--root", state_root, verb, ""});
    CHECK(empty.status != 0);
    CHECK_FALSE(empty.err.empty());
    CHECK(runtime({"--root", state_root, verb}).status != 0);
  }
  CHECK(std::filesystem::is_empty(state_root));
}

TEST_CASE("an unreaped init counts as stopped", "[lifecycle][contract]") {
  Bundle bundle({"/bin/probe", "exit", "3"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  REQUIRE(wait_gone(container.pid()));
  REQUIRE(std::filesystem::exists("/proc/" + std::to_string(container.pid())));
  json state = container.state_json();
  CHECK(state["status"] == "stopped");
  CHECK(state["pid"] == 0);
  refused(container, {"kill", container.id(), "9"}, "container not running");
  REQUIRE_OK(container.remove());
  CHECK(container.wait_exit() == 3);
}

TEST_CASE("a recycled pid is not taken for the container", "[lifecycle][contract]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  // The record of a dead container names the pid of a living process that started at another time.
  Path record = container.state_directory() / "state.json";
  json state = parse_json(read_file(record));
  REQUIRE(state.contains("init_process_pid"));
  Child other({"/bin/sleep", "1000"}, {});
  state["init_process_pid"] = other.pid();
  write_file(record, state.dump(), 0600);
  CHECK(container.status() == "stopped");
  CHECK(container.kill("KILL").status != 0);
  REQUIRE_OK(container.force_delete());
  CHECK_FALSE(other.ended());
}

TEST_CASE("while create is under way nothing else touches the container", "[lifecycle]") {
  ONLY_OCX("runc has no lock and no state creating");
  Bundle bundle;
  Path fifo = bundle.scratch() / "go", reached = bundle.scratch() / "reached";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  bundle.config["hooks"]["createRuntime"] =
      json::array({{{"path", "/bin/sh"},
                    {"args", {"sh", "-c", "echo now > " + reached.string() + "; cat " + fifo.string()}}}});
  Container container(bundle);
  bundle.save();
  Child create = Child(container.create_argv(), {});
  wait_for_file(reached);
  json during = container.state_json();
  CHECK(during["status"] == "creating");
  std::vector<Child> others;
  others.push_back(container.spawn({"start", container.id()}));
  others.push_back(container.spawn({"kill", container.id(), "KILL"}));
  others.push_back(container.spawn({"delete", container.id()}));
  others.push_back(container.spawn({"create", "--bundle", bundle.path(), container.id()}));
  for (Child& other : others) CHECK_FALSE(error_message(other.wait()).empty());
  CHECK(container.status() == "creating");
  write_file(fifo, "go\n");
  REQUIRE_OK(create.wait());
  CHECK(container.status() == "created");
}
