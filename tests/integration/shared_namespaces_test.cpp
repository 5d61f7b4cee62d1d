// Containers that share namespaces by path: what one does there the other sees.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

std::string namespace_of(Container& container, const std::string& name) {
  return "/proc/" + std::to_string(container.pid()) + "/ns/" + name;
}

std::string identity(Container& container, const std::string& name) {
  return std::filesystem::read_symlink(namespace_of(container, name)).string();
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec);
}

}  // namespace

TEST_CASE("two containers share ipc and network", "[shared_namespaces]") {
  Bundle owner_bundle;
  owner_bundle.shell(
      "touch /dev/mqueue/from-owner; { echo greeting | nc -l -p 4711; } & echo ready > /log; "
      "wait");
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  REQUIRE_OK(owner.start());
  wait_for_file(owner_bundle.rootfs() / "log");
  Bundle guest;
  guest.add_namespace("ipc", namespace_of(owner, "ipc"));
  guest.add_namespace("network", namespace_of(owner, "net"));
  guest.shell("ls /dev/mqueue; until nc 127.0.0.1 4711 </dev/null; do :; done 2>/dev/null");
  Container container(guest);
  CHECK(container.output() == "from-owner\ngreeting\n");
  CHECK(owner.wait_exit() == 0);
}

TEST_CASE("a process in a joined pid namespace dies with its first process", "[shared_namespaces]") {
  Bundle owner_bundle({"/bin/probe", "pause"});
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  REQUIRE_OK(owner.start());
  Bundle guest({"/bin/probe", "pause"});
  guest.add_namespace("pid", namespace_of(owner, "pid"));
  Container container(guest);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  CHECK(identity(container, "pid") == identity(owner, "pid"));
  REQUIRE_OK(owner.kill("KILL"));
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(owner.wait_exit() == 128 + SIGKILL);
  CHECK(container.status() == "stopped");
}

TEST_CASE("a time namespace of another container is joined with its clocks", "[shared_namespaces]") {
  NOT_ON_RUNC("runc 1.1 does not know time namespaces");
  Bundle owner_bundle({"/bin/probe", "pause"});
  owner_bundle.add_namespace("time");
  owner_bundle.config["linux"]["timeOffsets"] = {{"monotonic", {{"secs", 5000}}}};
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  Bundle guest;
  guest.add_namespace("time", namespace_of(owner, "time"));
  const json facts = payload_facts(guest);
  CHECK(facts["namespaces"]["time"] == identity(owner, "time"));
  CHECK(std::abs(facts["monotonic"].get<double>() - 5000 - seconds_of(CLOCK_MONOTONIC)) < 30);
}

TEST_CASE("a user namespace is joined while all others are new", "[shared_namespaces][userns]") {
  NOT_ON_RUNC("runc 1.1 demands the maps again");
  Bundle owner_bundle({"/bin/probe", "pause"});
  owner_bundle.use_user_namespace();
  Container owner(owner_bundle);
  REQUIRE_OK(owner.create());
  Bundle guest;
  guest.use_user_namespace();
  guest.config["linux"].erase("uidMappings");
  guest.config["linux"].erase("gidMappings");
  guest.add_namespace("user", namespace_of(owner, "user"));
  guest.add_namespace("cgroup");
  guest.add_namespace("time");
  guest.config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 9000}}}};
  const json facts = payload_facts(guest);
  CHECK(facts["pid"] == 1);
  CHECK(facts["namespaces"]["user"] == identity(owner, "user"));
  for (const char* name : {"ipc", "mnt", "net", "pid", "uts"}) {
    INFO(name);
    CHECK(facts["namespaces"][name] != identity(owner, name));
    CHECK(facts["namespaces"][name] !=
          std::filesystem::read_symlink(std::string("/proc/self/ns/") + name).string());
  }
  CHECK(std::abs(facts["boottime"].get<double>() - 9000 - seconds_of(CLOCK_BOOTTIME)) < 30);
}

TEST_CASE("a container whose create hangs in a hook is listed as being created",
          "[shared_namespaces][list]") {
  ONLY_OCX("runc has no state creating");
  Bundle bundle;
  const Path go = bundle.scratch() / "go", reached = bundle.scratch() / "reached";
  REQUIRE(mkfifo(go.c_str(), 0600) == 0);
  bundle.config["hooks"]["createRuntime"] =
      json::array({{{"path", "/bin/sh"},
                    {"args", {"sh", "-c", "echo now > " + reached.string() + "; cat " + go.string()}}}});
  Container container(bundle);
  bundle.save();
  Child create(container.create_argv(), {});
  wait_for_file(reached);
  const json all = parse_json(container.command({"list", "--format", "json"}).out);
  REQUIRE(all.size() == 1);
  CHECK(all[0]["id"] == container.id());
  CHECK(all[0]["status"] == "creating");
  for (const char* signal : {"TERM", "KILL", "0"}) {
    INFO(signal);
    CHECK(contains(error_message(container.kill(signal)), "being created"));
  }
  write_file(go, "go\n");
  REQUIRE_OK(create.wait());
  CHECK(container.status() == "created");
}
