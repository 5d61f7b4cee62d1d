// Where containers are found again, and what `state` tells: docs/engine-contract.md, "State".
#include <sys/stat.h>

#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

mode_t mode_of(const Path& path) {
  struct stat facts {};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 07777;
}

}  // namespace

TEST_CASE("contract: a container of the default root is found with XDG_RUNTIME_DIR= and nothing else",
          "[contract][state_root][pause]") {
  Bundle bundle;
  Container guard(bundle);  // looks after what is left
  bundle.save();
  const std::string id = guard.id();
  RunOptions create;
  create.env = Words{"XDG_RUNTIME_DIR=", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
  REQUIRE_OK(runtime({"create", "--bundle", bundle.path(), id}, create));
  const Path state_directory = "/run/" + Path(runtime_path()).filename().string() + "/" + id;
  CHECK(std::filesystem::exists(state_directory));
  const auto state = [&] { return parse_json(direct_call({}, {"state", id}).out); };
  const pid_t pid = state()["pid"];
  for (const auto& [verb, status] :
       {std::pair("start", "running"), {"pause", "paused"}, {"resume", "running"}}) {
    INFO(verb);
    REQUIRE_OK(direct_call({}, {verb, id}));
    CHECK(state()["status"] == status);
  }
  REQUIRE_OK(direct_call({}, {"update", "--resources", "-", id}, [] {
    RunOptions options;
    options.input = "{}";
    return options;
  }()));
  REQUIRE_OK(direct_call({}, {"kill", id, "9"}));
  CHECK(wait_and_reap(pid) == 137);
  REQUIRE_OK(direct_call({}, {"delete", "--force", id}));
  CHECK_FALSE(std::filesystem::exists(state_directory));
}

TEST_CASE("contract: --root is made with its parents, and is nobody else's to look into",
          "[contract][state_root]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  const Path root = container.root() / "run/containerd/runc/k8s.io";
  REQUIRE_OK(runtime({"--root", root, "create", "--bundle", bundle.path(), container.id()}));
  CHECK((mode_of(root) & 077) == 0);
  CHECK((mode_of(root / container.id()) & 022) == 0);
  const json state = parse_json(runtime({"--root", root, "state", container.id()}).out);
  CHECK(state["status"] == "created");
  // The same id is free in every other root.
  CHECK(contains(error_message(runtime({"--root", container.root(), "state", container.id()})),
                 "does not exist"));
  REQUIRE_OK(runtime({"--root", root, "delete", "--force", container.id()}));
  wait_and_reap(state["pid"]);
  std::filesystem::remove_all(container.root());
}

TEST_CASE("contract: state has the fields that engines decode, in each status", "[contract][state][pause]") {
  Bundle bundle;
  bundle.config["annotations"] = {{"io.kubernetes.cri.container-type", "sandbox"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const auto check = [&](const std::string& status) {
    const Result result = container.state();
    REQUIRE_OK(result);
    const json state = parse_json(result.out + result.err);
    INFO(state.dump());
    CHECK(state["status"] == status);
    CHECK(state["pid"] == (status == "stopped" ? 0 : container.pid()));
    CHECK(state["ociVersion"].get<std::string>().rfind("1.", 0) == 0);
    CHECK(state["id"] == container.id());
    CHECK(state["bundle"] == bundle.path().string());
    CHECK(state["rootfs"] == bundle.rootfs().string());
    CHECK(state["annotations"] == bundle.config["annotations"]);
    CHECK(is_rfc3339(state["created"].get<std::string>()));
  };
  check("created");
  REQUIRE_OK(container.start());
  check("running");
  REQUIRE_OK(container.command({"pause", container.id()}));
  check("paused");
  REQUIRE_OK(container.command({"resume", container.id()}));
  check("running");
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  check("stopped");
  // An engine that lost the bundle still asks.
  std::filesystem::remove(bundle.path() / "config.json");
  check("stopped");
}

TEST_CASE("contract: a relative bundle, and a directory that is neither bundle nor root",
          "[contract][state]") {
  Bundle bundle({"/bin/probe", "exit", "4"});
  Container container(bundle);
  bundle.save();
  RunOptions beside;
  beside.cwd = bundle.scratch();
  const std::string pid_file = bundle.scratch() / "pid";
  const Words root{"--root", "../state"};
  const auto call = [&](const Words& words) {
    return run(joined({runtime_path()}, joined(joined(root, cgroup_manager_flags()), words)), beside);
  };
  REQUIRE_OK(call({"create", "--bundle", "../bundle", "--pid-file", "pid", container.id()}));
  const json state = parse_json(call({"state", container.id()}).out);
  CHECK(state["bundle"] == bundle.path().string());
  CHECK(state["rootfs"] == bundle.rootfs().string());
  const pid_t pid = strict_pid(read_file(pid_file));
  CHECK(state["pid"] == pid);
  REQUIRE_OK(call({"start", container.id()}));
  CHECK(wait_and_reap(pid) == 4);
  REQUIRE_OK(call({"delete", container.id()}));
}
