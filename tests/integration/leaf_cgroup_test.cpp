// run.oci.systemd.subgroup and run.oci.delegate-cgroup: the container lives below the cgroup that has its
// limits.
#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>

#include <sstream>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char* why = "runc does not know these annotations";

std::string own_cgroup(pid_t pid) {
  return cgroups_of(pid).at("");
}

uid_t owner_of(const Path& path) {
  struct stat facts {};
  REQUIRE(stat(path.c_str(), &facts) == 0);
  return facts.st_uid;
}

void take_controllers_back(const Path& path) {
  std::istringstream names(read_file(path / "cgroup.subtree_control"));
  for (std::string name; names >> name;) write_file(path / "cgroup.subtree_control", "-" + name);
  REQUIRE(lines(read_file(path / "cgroup.subtree_control")).empty());
}

pid_t exec_sleep(Container& container, const std::vector<std::string>& flags = {}) {
  const Path pid_file = container.bundle().scratch() / "joined";
  std::vector<std::string> words{"exec", "--detach", "--pid-file", pid_file};
  words.insert(words.end(), flags.begin(), flags.end());
  words.insert(words.end(), {container.id(), "/bin/sleep", "1000"});
  REQUIRE_OK(container.command(words));
  return std::stoi(read_file(pid_file));
}

}  // namespace

TEST_CASE("a subgroup and a delegated cgroup below the container's", "[cgroup][leaf][systemd]") {
  ONLY_OCX(why);
  if (!cgroup_v2()) SKIP_TEST("needs a host with cgroup v2 alone; make test-vm has it");
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.add_namespace("cgroup");
  bundle.config["linux"]["cgroupsPath"] = cgroups_path(unique_id());
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 77}};
  bundle.shell("cat /proc/self/cgroup; exec /bin/probe pause");
  json& annotations = bundle.config["annotations"];
  std::string below, seen = "0::/\n";
  bool delegated = false;
  SECTION("a subgroup") {
    annotations["run.oci.systemd.subgroup"] = "container";
    below = "/container";
  }
  SECTION("a delegated cgroup") {
    annotations["run.oci.delegate-cgroup"] = "inner";
    below = "/inner";
    seen = "0::/inner\n";
    delegated = true;
  }
  SECTION("both") {
    annotations["run.oci.systemd.subgroup"] = "container";
    annotations["run.oci.delegate-cgroup"] = "inner";
    below = "/container/inner";
    seen = "0::/inner\n";
    delegated = true;
  }
  SECTION("an empty subgroup is none") {
    annotations["run.oci.systemd.subgroup"] = "";
  }

  Container container(bundle);
  const Result created = container.create();
  REQUIRE_OK(created);
  const Path outer = cgroup_directory(container, "pids");
  const Path mount = cgroup_mounts().at("");
  CHECK(mount.string() + own_cgroup(container.pid()) == outer.string() + below);
  CHECK(read_file(outer / "pids.max") == "77\n");
  if (!below.empty()) CHECK(read_file(outer.string() + below + "/pids.max") == "max\n");
  if (delegated) CHECK(owner_of(outer.string() + below) == 100000);

  REQUIRE_OK(container.start());
  CHECK(wait_for_lines("/proc/" + std::to_string(container.pid()) + "/cgroup", 1) ==
        "0::" + own_cgroup(container.pid()) + "\n");
  // Now every cgroup would take the process: the right one is not found by EBUSY.
  for (Path path = outer.string() + below; path != outer.parent_path(); path = path.parent_path())
    take_controllers_back(path);
  const pid_t joined = exec_sleep(container);
  CHECK(own_cgroup(joined) == own_cgroup(container.pid()));
  REQUIRE(::kill(joined, SIGKILL) == 0);
  wait_and_reap(joined);
  const Result inside = container.command({"exec", container.id(), "/bin/cat", "/proc/self/cgroup"});
  REQUIRE_OK(inside);
  CHECK(inside.out == seen);
  REQUIRE_OK(container.command({"pause", container.id()}));
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.command({"resume", container.id()}));
  const Result stats = container.command({"events", "--stats", container.id()});
  REQUIRE_OK(stats);
  CHECK(parse_json(stats.out).at("data").at("pids").at("current") == 1);
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  CHECK(created.out_now() == seen);
  REQUIRE_OK(container.remove());
  CHECK(container.leftovers().empty());
}

// As a systemd in the container does with a cgroup of its own.
TEST_CASE("exec follows an init that has moved on below its subgroup", "[cgroup][leaf][systemd][exec]") {
  ONLY_OCX(why);
  if (!cgroup_v2()) SKIP_TEST("needs a host with cgroup v2 alone; make test-vm has it");
  Bundle bundle;
  bundle.add_namespace("cgroup");
  bundle.config["linux"]["cgroupsPath"] = cgroups_path(unique_id());
  bundle.config["annotations"]["run.oci.systemd.subgroup"] = "container";
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const Path subgroup = cgroup_directory(container, "pids") / "container";
  std::filesystem::create_directory(subgroup / "init.scope");
  write_file(subgroup / "init.scope/cgroup.procs", std::to_string(container.pid()));
  write_file(subgroup / "cgroup.subtree_control", "+pids");  // from now on it takes no process: EBUSY
  const pid_t joined = exec_sleep(container);
  CHECK(own_cgroup(joined) == own_cgroup(container.pid()));
  CHECK(own_cgroup(joined).ends_with("/container/init.scope"));
  REQUIRE(::kill(joined, SIGKILL) == 0);
  wait_and_reap(joined);
  const Result busy = container.command({"exec", "--cgroup", "/container", container.id(), "/bin/true"});
  CHECK(busy.status == 255);
  CHECK(contains(error_message(busy), "device or resource busy"));
  const pid_t chosen = exec_sleep(container, {"--cgroup", "container/init.scope"});
  CHECK(own_cgroup(chosen) == own_cgroup(container.pid()));
  REQUIRE(::kill(chosen, SIGKILL) == 0);
  wait_and_reap(chosen);
}

TEST_CASE("names of cgroups below the container's are checked", "[cgroup][leaf]") {
  ONLY_OCX(why);
  Bundle bundle;
  Container container(bundle);
  for (const char* bad : {"..", "/a", "a/b"}) {
    bundle.config["annotations"] = {{"run.oci.delegate-cgroup", bad}};
    CHECK(contains(error_message(container.create()),
                   "is not the name of one cgroup (/annotations/run.oci.delegate-cgroup)"));
  }
}
