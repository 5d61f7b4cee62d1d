// `kill`: the signal reaches the container's process and nobody else, in every notation.
#include <catch2/catch.hpp>
#include <signal.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

// A container whose init writes the number of every signal it gets.
struct Trap {
  Bundle bundle{{"/bin/probe", "trap", "/signals"}};
  Container container{bundle};
  Trap() {
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    wait_for_file(file());
  }
  Path file() const { return bundle.rootfs() / "signals"; }
  // Line number `count` of the file, once it is there.
  std::string next(size_t count) { return lines(wait_for_lines(file(), count + 1))[count]; }
};

}  // namespace

TEST_CASE("a signal arrives, whatever its notation", "[kill][contract]") {
  Trap trap;
  struct Case {
    const char* name;
    int number;
  };
  size_t count = 1;
  for (const Case& item : {Case{"TERM", SIGTERM},
                           {"SIGTERM", SIGTERM},
                           {"USR1", SIGUSR1},
                           {"SIGUSR2", SIGUSR2},
                           {"10", 10},
                           {"hup", SIGHUP},
                           {"sigint", SIGINT},
                           {"", SIGTERM},
                           {"WINCH", SIGWINCH}}) {
    INFO(item.name);
    REQUIRE_OK(trap.container.kill(item.name));
    CHECK(trap.next(count++) == std::to_string(item.number));
  }
  CHECK(trap.container.status() == "running");
}

TEST_CASE("real-time signals have names and numbers", "[kill][contract]") {
  ONLY_OCX("runc 1.1 knows numbers but not every name");
  Trap trap;
  size_t count = 1;
  for (auto [name, number] : std::map<std::string, int>{{"34", 34},
                                                        {"SIGRTMIN+3", 37},
                                                        {"sigrtmin+4", 38},
                                                        {"RTMAX-1", 63},
                                                        {"64", 64},
                                                        {"RTMIN", 34},
                                                        {"SIGRTMAX", 64}}) {
    INFO(name);
    REQUIRE_OK(trap.container.kill(name));
    CHECK(trap.next(count++) == std::to_string(number));
  }
}

TEST_CASE("a signal that does not exist is refused", "[kill]") {
  Trap trap;
  for (const char* name : {"NOSUCH", "SIGNOSUCH", "65", "1000", "9x", "SIG"}) {
    INFO(name);
    Result result = trap.container.kill(name);
    CHECK(error_message(result).size() > 0);
    if (runtime_is_ocx()) CHECK(contains(result.err, "unknown signal"));
  }
  CHECK(lines(read_file(trap.file())).size() == 1);
  CHECK(trap.container.status() == "running");
}

TEST_CASE("signal 0 only asks whether the container lives", "[kill][contract]") {
  Trap trap;
  REQUIRE_OK(trap.container.kill("0"));
  CHECK(lines(read_file(trap.file())).size() == 1);
  REQUIRE_OK(trap.container.kill("KILL"));
  trap.container.wait_exit();
  CHECK(trap.container.kill("0").status != 0);
}

TEST_CASE("kill of a created container ends it", "[kill][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.kill("KILL"));
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.status() == "stopped");
}

TEST_CASE("kill of a stopped container fails and changes nothing, --all is content", "[kill][contract]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  std::string before = container.state().out;
  CHECK(contains(error_message(container.kill("TERM")), "container not running"));
  CHECK(contains(error_message(container.kill("9")), "container not running"));
  CHECK(container.state().out == before);
  REQUIRE_OK(container.kill("9", {"--all"}));
  REQUIRE_OK(container.kill("15", {"-a"}));
  CHECK(container.state().out == before);
}

TEST_CASE("SIGKILL reaches every process of a container without a pid namespace", "[kill]") {
  Bundle bundle;
  bundle.remove_namespace("pid");
  bundle.args({"/bin/probe", "spawn", "/child"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  pid_t child = std::stoi(wait_for_file(bundle.rootfs() / "child").substr(4));
  REQUIRE(process_exists(child));
  SECTION("with --all") {
    REQUIRE_OK(container.kill("KILL", {"--all"}));
  }
  SECTION("without") {
    ONLY_OCX("runc 1.1 kills the others only with --all");
    REQUIRE_OK(container.kill("KILL"));
  }
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(wait_gone(child));
}

TEST_CASE("kill --all of a stopped container ends what it left in its cgroup", "[kill][contract]") {
  Bundle bundle;
  bundle.remove_namespace("pid");
  bundle.shell("/bin/probe daemon /left; while ! test -s /left; do :; done");
  Container container(bundle);
  container.output();
  pid_t left = std::stoi(read_file(bundle.rootfs() / "left").substr(4));
  REQUIRE(process_exists(left));
  REQUIRE_OK(container.kill("KILL", {"--all"}));
  CHECK(wait_gone(left));
}

TEST_CASE("SIGKILL of a frozen container ends it", "[kill]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  if (!freeze_cgroup(container)) SKIP_TEST("no freezer here");
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.kill("KILL"));
  CHECK(container.wait_exit() == 128 + SIGKILL);
}

TEST_CASE("the image's stop signal is kill's default", "[kill]") {
  ONLY_OCX("runc always takes SIGTERM");
  Bundle bundle({"/bin/probe", "trap", "/signals"});
  bundle.config["annotations"] = {{"org.opencontainers.image.stopSignal", "SIGQUIT"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  Path file = bundle.rootfs() / "signals";
  wait_for_file(file);
  REQUIRE_OK(container.kill());
  CHECK(lines(wait_for_lines(file, 2))[1] == std::to_string(SIGQUIT));
}
