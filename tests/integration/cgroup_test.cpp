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

// The hierarchies that every runtime uses: all v1 ones, or v2 where that is the only one.
std::map<std::string, Path> hierarchies() {
  auto mounts = cgroup_mounts();
  if (!cgroup_v2()) mounts.erase("");
  return mounts;
}

}  // namespace

TEST_CASE("cgroupsPath says where the container is in every hierarchy", "[cgroup][contract]") {
  Bundle bundle;
  std::string name = unique_id();
  bool deep = !systemd_cgroups();
  std::string path = deep ? "/" + name + "/deep/" + name : cgroups_path(name);
  std::string place = deep ? path : cgroup_place(name).string();
  bundle.config["linux"]["cgroupsPath"] = path;
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    for (const auto& [controller, mount] : hierarchies()) {
      INFO(controller);
      CHECK(cgroups_of(container.pid()).at(controller) == place);
      CHECK(has_member(mount.string() + place, container.pid()));
    }
  }
  // Parents that create made are its own to remove, or an engine's to find empty: never with the leaf.
  for (const auto& [controller, mount] : cgroup_mounts())
    CHECK_FALSE(std::filesystem::exists(mount.string() + place));
  for (const auto& [controller, mount] : cgroup_mounts())
    for (const char* part : {"/deep", ""}) rmdir((mount.string() + "/" + name + part).c_str());
}

TEST_CASE("a relative cgroupsPath leads to the same place each time", "[cgroup]") {
  if (systemd_cgroups()) return;  // its paths have a form of their own
  Bundle bundle;
  std::string name = unique_id();
  bundle.config["linux"]["cgroupsPath"] = name + "/leaf";
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 12}};
  std::map<std::string, std::string> places;
  for (int round = 0; round < 2; ++round) {
    Container container(bundle);
    REQUIRE_OK(container.create());
    auto now = cgroups_of(container.pid());
    for (const auto& [controller, mount] : hierarchies()) {
      INFO(controller);
      CHECK(contains(now.at(controller), "/" + name + "/leaf"));
      CHECK(has_member(mount.string() + now.at(controller), container.pid()));
    }
    CHECK(read_file(cgroup_directory_of(container.pid(), "pids") / "pids.max") == "12\n");
    if (round == 0) places = now;
    CHECK(now == places);
  }
  for (const std::string& left : cgroups_with(name)) rmdir(left.c_str());
}

TEST_CASE("without cgroupsPath the container's cgroup is named by its id", "[cgroup][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  std::string name = Path(cgroups_of(container.pid()).at(hierarchies().begin()->first)).filename();
  if (systemd_cgroups())
    CHECK(contains(name, container.id() + ".scope"));
  else
    CHECK(name == container.id());
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("the cgroup outlives init until delete", "[cgroup][contract]") {
  if (systemd_cgroups()) return;  // a scope ends with its processes
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  CHECK_FALSE(cgroups_with(container.id()).empty());
  REQUIRE_OK(container.remove());
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("a cgroup that is not empty is refused and left alone", "[cgroup]") {
  ONLY_OCX("runc 1.1 only warns");
  if (systemd_cgroups()) return;  // a scope is always a new one
  Bundle bundle;
  std::string name = unique_id();
  Path directory = cgroup_mounts().at(cgroup_v2() ? "" : "pids") / name;
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

TEST_CASE("an existing empty cgroup is used; its parent stays", "[cgroup][contract]") {
  if (systemd_cgroups()) return;  // a scope is always a new one
  Bundle bundle;
  std::string parent = unique_id(), path = "/" + parent + "/leaf";
  for (const auto& [controller, mount] : cgroup_mounts())
    std::filesystem::create_directories(mount.string() + "/" + parent);
  bundle.config["linux"]["cgroupsPath"] = path;
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    CHECK(cgroups_of(container.pid()).at(hierarchies().begin()->first) == path);
  }
  for (const auto& [controller, mount] : cgroup_mounts()) {
    INFO(controller);
    CHECK_FALSE(std::filesystem::exists(mount.string() + path));
    CHECK(std::filesystem::exists(mount.string() + "/" + parent));
    rmdir((mount.string() + "/" + parent).c_str());
  }
}

TEST_CASE("a frozen cgroup is refused and left alone", "[cgroup]") {
  if (systemd_cgroups()) return;  // a scope is always a new one
  if (!cgroup_v2() && cgroup_mounts().count("freezer") == 0) SKIP_TEST("no freezer here");
  Bundle bundle;
  std::string name = unique_id();
  Path directory = cgroup_mounts().at(cgroup_v2() ? "" : "freezer") / name;
  std::filesystem::create_directory(directory);
  Path state = directory / (cgroup_v2() ? "cgroup.freeze" : "freezer.state");
  write_file(state, cgroup_v2() ? "1" : "FROZEN");
  bundle.config["linux"]["cgroupsPath"] = "/" + name;
  {
    Container container(bundle);
    CHECK(contains(error_message(container.create()), "frozen"));
    CHECK(read_file(state) == (cgroup_v2() ? "1\n" : "FROZEN\n"));
  }
  rmdir(directory.c_str());
}

TEST_CASE("a threaded cgroup takes no container", "[cgroup][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  ONLY_OCX("runc says what the kernel says");
  if (systemd_cgroups()) return;  // its cgroups are domains
  Bundle bundle;
  std::string name = unique_id();
  Path top = cgroup_mounts().at("") / name;
  std::filesystem::create_directories(top / "threads");
  write_file(top / "threads/cgroup.type", "threaded");
  REQUIRE(read_file(top / "threads/cgroup.type") == "threaded\n");
  for (std::string place : {"/threads", "/threads/leaf"}) {
    INFO(place);
    bundle.config["linux"]["cgroupsPath"] = "/" + name + place;
    Container container(bundle);
    std::string message = error_message(container.create());
    CHECK(contains(message, "threaded"));
    CHECK(contains(message, "/linux/cgroupsPath"));
  }
  CHECK_FALSE(std::filesystem::exists(top / "threads/leaf"));
  for (const char* part : {"/threads", ""}) rmdir((top.string() + part).c_str());
}

TEST_CASE("a cgroup namespace is rooted at the container's cgroup", "[cgroup]") {
  Bundle bundle;
  bundle.add_namespace("cgroup");
  json facts = payload_facts(bundle);
  for (const json& line : facts["cgroup"]) {
    std::string text = line;
    if (contains(text, ":pids:") || contains(text, ":memory:") || cgroup_v2())
      CHECK(text.substr(text.rfind(':')) == ":/");
  }
}

TEST_CASE("the caller's cgroup stays what it is", "[cgroup]") {
  auto before = cgroups_of(getpid());
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  container.output();
  CHECK(cgroups_of(getpid()) == before);
}

TEST_CASE("--cgroup-manager disabled leaves the container in the caller's cgroups", "[cgroup][contract]") {
  if (runtime_is_runc()) SKIP_TEST("runc has no such option");
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(runtime({"--root", container.root(), "--cgroup-manager", "disabled", "create", "--bundle",
                      bundle.path(), container.id()}));
  CHECK(cgroups_of(container.pid()) == cgroups_of(getpid()));
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("--cgroup-manager disabled refuses limits", "[cgroup]") {
  ONLY_OCX("runc has no such option");
  Bundle bundle;
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 10}};
  Container container(bundle);
  bundle.save();
  Result result = runtime({"--root", container.root(), "--cgroup-manager", "disabled", "create", "--bundle",
                           bundle.path(), container.id()});
  CHECK(contains(error_message(result), "/linux/resources/pids/limit"));
}
