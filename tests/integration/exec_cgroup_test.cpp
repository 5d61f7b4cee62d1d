// Which cgroups a process that exec adds is in.
#include <filesystem>

#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

namespace {

/// In every hierarchy that the container has a directory in.
Path place_of(pid_t pid, const std::string& controller) {
  return cgroup_directory_of(pid, controller);
}

pid_t start_sleep(Running& running, Words flags) {
  const Path pid_file = running.container.bundle().scratch() / "pid";
  flags.insert(flags.end(), {"--detach", "--pid-file", pid_file});
  REQUIRE_OK(running.exec(flags, {"/bin/sleep", "1000"}));
  return std::stoi(read_file(pid_file));
}

void end(pid_t pid) {
  REQUIRE(::kill(pid, SIGKILL) == 0);
  wait_and_reap(pid);
}

/// A child cgroup in each of the container's directories, removed at the end.
struct ChildCgroup {
  ChildCgroup(const Running& running, const std::string& name) {
    const json paths =
        parse_json(read_file(running.container.state_directory() / "state.json"))["cgroup_paths"];
    for (const auto& entry : paths.items()) {
      const Path path = Path(entry.value().get<std::string>()) / name;
      if (!std::filesystem::create_directory(path)) continue;
      made.push_back(path);
      // On version 1 a new cpuset has nothing to run on (cpuset(7)).
      for (const char* file : {"cpuset.cpus", "cpuset.mems"})
        if (entry.key() == "cpuset") write_file(path / file, read_file(path.parent_path() / file));
    }
  }
  ~ChildCgroup() {
    for (const Path& path : made) ::rmdir(path.c_str());
  }
  std::vector<Path> made;
};

}  // namespace

TEST_CASE("exec is in the container's cgroup in every hierarchy", "[exec][cgroup][contract]") {
  Bundle bundle;
  Running running(bundle);
  const pid_t pid = start_sleep(running, {});
  CHECK(cgroups_of(pid) == cgroups_of(running.container.pid()));
  CHECK(cgroups_of(pid) != cgroups_of(getpid()));
  end(pid);
}

TEST_CASE("exec --cgroup joins a cgroup below the container's", "[exec][cgroup]") {
  NOT_ON_RUNC("on a hybrid host it does not know the unified hierarchy");
  Bundle bundle;
  Running running(bundle);
  const ChildCgroup child(running, "inner");
  const pid_t inner = start_sleep(running, {"--cgroup", "/inner"});
  CHECK(place_of(inner, "pids") == cgroup_directory(running.container, "pids") / "inner");
  CHECK(place_of(inner, "memory") == cgroup_directory(running.container, "memory") / "inner");
  end(inner);
  const pid_t top = start_sleep(running, {"--cgroup", "/"});
  CHECK(place_of(top, "pids") == cgroup_directory(running.container, "pids"));
  end(top);
  if (cgroup_v2()) return;
  const pid_t mixed = start_sleep(running, {"--cgroup", "pids,memory:inner", "--cgroup", "freezer:/"});
  CHECK(place_of(mixed, "pids") == cgroup_directory(running.container, "pids") / "inner");
  CHECK(place_of(mixed, "memory") == cgroup_directory(running.container, "memory") / "inner");
  CHECK(place_of(mixed, "freezer") == cgroup_directory(running.container, "freezer"));
  CHECK(place_of(mixed, "devices") == cgroup_directory(running.container, "devices"));
  end(mixed);
}

TEST_CASE("exec --cgroup does not leave the container's cgroup", "[exec][cgroup][security]") {
  ONLY_OCX("runc 1.1 compares texts, not components");
  Bundle bundle;
  Running running(bundle);
  const std::string name = cgroup_directory(running.container, "pids").filename().string();
  const ChildCgroup sibling(running, "../" + name + "0");
  for (const std::string& path : Words{"..", "../", "/../..", "../" + name + "0", "x/../../" + name + "0"}) {
    INFO(path);
    const Result result = running.exec({"--cgroup", path}, {"touch", "/tmp/ran"});
    CHECK(result.status == 255);
    CHECK(contains(error_message(result), "outside the container's cgroup"));
  }
  const Result absent = running.exec({"--cgroup", "absent"}, {"touch", "/tmp/ran"});
  CHECK(absent.status == 255);
  CHECK(contains(error_message(absent), "no such file or directory"));
  const Result unknown = running.exec({"--cgroup", "nonsense:/"}, {"touch", "/tmp/ran"});
  CHECK(unknown.status == 255);
  CHECK(contains(error_message(unknown), R"(unknown controller "nonsense")"));
  CHECK_FALSE(std::filesystem::exists(bundle.rootfs() / "tmp/ran"));
}

TEST_CASE("exec follows init into a cgroup that it has moved to", "[exec][cgroup]") {
  if (!cgroup_v2()) SKIP_TEST("version 1 lets a cgroup with children have processes");
  Bundle bundle;
  Running running(bundle);
  const ChildCgroup child(running, "init.scope");
  const Path top = cgroup_directory(running.container, "pids");
  write_file(top / "init.scope/cgroup.procs", std::to_string(running.container.pid()));
  write_file(top / "cgroup.subtree_control", "+pids");  // from now on the top takes no process: EBUSY
  const pid_t pid = start_sleep(running, {});
  CHECK(place_of(pid, "pids") == top / "init.scope");
  end(pid);
  const Result chosen = running.exec({"--cgroup", "/"}, {"true"});
  CHECK(chosen.status == 255);
  CHECK(contains(error_message(chosen), "device or resource busy"));
  write_file(top / "cgroup.subtree_control", "-pids");
  write_file(top / "cgroup.procs", std::to_string(running.container.pid()));
}

TEST_CASE("exec into a container that has no process left to give says so", "[exec][cgroup][limits]") {
  ONLY_OCX("runc needs more than one");
  Bundle bundle;
  bundle.config["linux"]["resources"]["pids"]["limit"] = 2;
  Running running(bundle);
  CHECK(running.exec({}, {"/bin/true"}).status == 0);
  const pid_t pid = start_sleep(running, {});
  const Result full = running.exec({}, {"/bin/true"});
  if (cgroup_v2()) {
    CHECK(full.status == 255);
    CHECK(contains(error_message(full), "pids"));
  } else {
    CHECK(full.status == 0);  // version 1 limits fork, not who joins
  }
  end(pid);
}
