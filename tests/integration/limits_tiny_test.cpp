// Limits that a container barely fits into, or not: they don't kill the set-up, and an error says which one
// it was.
#include <catch2/catch.hpp>
#include <signal.h>

#include "tests/integration/mount_table.hpp"
#include "tests/integration/resource_files.hpp"

using namespace ocx::test;

namespace {

constexpr const char* memory_pointer = "/linux/resources/memory/limit";
constexpr const char* pids_pointer = "/linux/resources/pids/limit";

json hook_of(const std::string& kind) {
  std::string path = kind == "startContainer" ? "/bin/probe" : host_probe().string();
  return {{"path", path}, {"args", {"probe", "exit", "0"}}};
}

}  // namespace

TEST_CASE("one process and 1 MiB are enough for true", "[limits][tiny][contract]") {
  if (!has_controller("pids") || !has_controller("memory")) SKIP_TEST("no such controllers here");
  ONLY_OCX("runc 1.1's init is a Go program");
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 1}};
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 1 << 20}, {"swap", 1 << 20}};
  SECTION("created and started") {
    Container container(bundle);
    CHECK(container.output().empty());
  }
  SECTION("in the foreground") {
    Container container(bundle);
    REQUIRE_OK(container.run());
  }
  SECTION("with every namespace and many mounts") {
    for (const char* type : {"cgroup", "time", "user"}) bundle.add_namespace(type);
    bundle.use_user_namespace();
    for (int i = 0; i < 100; ++i) bundle.add_mount(tmpfs_mount("/m" + std::to_string(i)));
    Container container(bundle);
    CHECK(container.output().empty());
  }
}

TEST_CASE("pids.limit 0 lets the container's own process live, and no other", "[limits][tiny]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  ONLY_OCX("for runc 1.1 it is no limit");
  Bundle bundle;
  bundle.shell("(:); echo not reached");
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 0}};
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() != 0);
  CHECK(created.out_now().empty());
  CHECK(contains(created.err_now(), "Resource temporarily unavailable"));
}

TEST_CASE("a memory limit that no init fits into is named by the error", "[limits][tiny]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  ONLY_OCX("runc has other words");
  for (long limit : {4096L, 16384L, 65536L}) {
    INFO(limit);
    Bundle bundle({"/bin/probe", "exit", "0"});
    bundle.config["linux"]["resources"]["memory"] = {{"limit", limit}, {"swap", limit}};
    Container container(bundle);
    // v1 refuses a limit below the usage; v2 takes it and kills; what passes create may die of its exec.
    Result result = container.create();
    if (result.status == 0) result = container.start();
    if (result.status == 0) continue;
    std::string message = error_message(result);
    INFO(message);
    CHECK(contains(message, memory_pointer));
    if (cgroup_v2()) CHECK(contains(message, "container init was OOM-killed (memory limit too low?)"));
    if (cgroup_v2()) CHECK(contains(message, std::to_string(limit / 1024)));
  }
}

TEST_CASE("an init that its memory limit kills in create says so", "[limits][tiny][v2]") {
  if (!cgroup_v2()) SKIP_TEST("v1 refuses a limit below the usage");
  ONLY_OCX("runc has other words");
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 4096}, {"swap", 4096}};
  check_refused(bundle, {"container init was OOM-killed (memory limit too low?)", memory_pointer, "raise"});
}

TEST_CASE("a hook that pids.limit leaves no process for names the limit", "[limits][tiny]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  ONLY_OCX("runc 1.1's init needs more than one");
  for (std::string kind : {"createContainer", "startContainer"}) {
    INFO(kind);
    Bundle bundle({"/bin/probe", "exit", "0"});
    bundle.config["hooks"][kind] = {hook_of(kind)};
    bundle.config["linux"]["resources"]["pids"] = {{"limit", 1}};
    Container container(bundle);
    Result result = container.create();
    if (kind == "startContainer") {
      REQUIRE_OK(result);
      result = container.start();
    }
    std::string message = error_message(result);
    CHECK(contains(message, pids_pointer));
    CHECK(contains(message, "pids.limit is 1"));
    CHECK(contains(message, "hook"));
  }
}

TEST_CASE("hooks of the runtime's own side need no place in the container", "[limits][tiny]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  ONLY_OCX("runc 1.1's init needs more than one");
  Bundle bundle({"/bin/probe", "exit", "0"});
  for (const char* kind : {"prestart", "createRuntime", "poststart", "poststop"})
    bundle.config["hooks"][kind] = {hook_of(kind)};
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 1}};
  Container container(bundle);
  container.output();
  REQUIRE_OK(container.remove());
}
