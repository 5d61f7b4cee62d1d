// Where the container's cgroups are, who is in them, and that they go away.
#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

bool has_member(const Path& directory, pid_t pid) {
  for (const std::string& line : lines(read_file(directory / "cgroup.procs")))
    if (line == std::to_string(pid)) return true;
  return false;
}

}  // namespace

TEST_CASE("an absolute cgroupsPath is below every hierarchy's root", "[cgroup]") {
  Bundle bundle;
  std::string name = unique_id();
  std::string path = "/" + name + "/deep/" + name;
  bundle.config["linux"]["cgroupsPath"] = path;
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    for (const auto& [controller, mount] : cgroup_mounts()) {
      if (controller.empty()) continue;
      INFO(controller);
      CHECK(cgroups_of(container.pid()).at(controller) == path);
      CHECK(has_member(mount.string() + path, container.pid()));
    }
  }
  // Parents that create made are its own to remove, or an engine's to find empty: never with the leaf.
  for (const auto& [controller, mount] : cgroup_mounts())
    CHECK_FALSE(std::filesystem::exists(mount.string() + path));
  for (const auto& [controller, mount] : cgroup_mounts())
    for (const char* part : {"/deep", ""}) rmdir((mount.string() + "/" + name + part).c_str());
}

TEST_CASE("without cgroupsPath the container's cgroup is named by its id", "[cgroup]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(Path(cgroups_of(container.pid()).at("memory")).filename() == container.id());
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("the cgroup outlives init until delete", "[cgroup]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  CHECK_FALSE(cgroups_with(container.id()).empty());
  REQUIRE_OK(container.remove());
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("a cgroup that is not empty is refused and left alone", "[cgroup]") {
  ONLY_OCX("runc 1.1 only warns");
  Bundle bundle;
  std::string name = unique_id();
  Path directory = cgroup_mounts().at("pids") / name;
  std::filesystem::create_directory(directory);
  Child member({"/bin/sleep", "1000"}, {});
  write_file(directory / "cgroup.procs", std::to_string(member.pid()));
  bundle.config["linux"]["cgroupsPath"] = "/" + name;
  {
    Container container(bundle);
    CHECK(contains(error_message(container.create()), "container's cgroup is not empty"));
    CHECK(has_member(directory, member.pid()));
    CHECK_FALSE(member.ended());
  }
  member.signal(SIGKILL);
  member.wait();
  rmdir(directory.c_str());
}

TEST_CASE("an existing empty cgroup is used; its parent stays", "[cgroup]") {
  Bundle bundle;
  std::string parent = unique_id(), path = "/" + parent + "/leaf";
  for (const auto& [controller, mount] : cgroup_mounts())
    std::filesystem::create_directories(mount.string() + "/" + parent);
  bundle.config["linux"]["cgroupsPath"] = path;
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    CHECK(cgroups_of(container.pid()).at("pids") == path);
  }
  for (const auto& [controller, mount] : cgroup_mounts()) {
    INFO(controller);
    CHECK_FALSE(std::filesystem::exists(mount.string() + path));
    CHECK(std::filesystem::exists(mount.string() + "/" + parent));
    rmdir((mount.string() + "/" + parent).c_str());
  }
}

TEST_CASE("a cgroup namespace is rooted at the container's cgroup", "[cgroup]") {
  Bundle bundle;
  bundle.add_namespace("cgroup");
  json facts = payload_facts(bundle);
  for (const json& line : facts["cgroup"]) {
    std::string text = line;
    if (contains(text, ":pids:") || contains(text, ":memory:")) CHECK(text.substr(text.rfind(':')) == ":/");
  }
}

TEST_CASE("the caller's cgroup stays what it is", "[cgroup]") {
  auto before = cgroups_of(getpid());
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  CHECK(cgroups_of(getpid()) == before);
}

TEST_CASE("--cgroup-manager disabled leaves the container in the caller's cgroups", "[cgroup]") {
  if (runtime_is_runc()) SKIP_TEST("runc has no such option");
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(container.command(
      {"--cgroup-manager", "disabled", "create", "--bundle", bundle.path(), container.id()}));
  CHECK(cgroups_of(container.pid()) == cgroups_of(getpid()));
  CHECK(cgroups_with(container.id()).empty());
}
