// run.oci.systemd.subgroup and run.oci.delegate-cgroup: the container lives below the cgroup that has its
// limits.
#include <catch2/catch.hpp>
#include <sys/stat.h>

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
