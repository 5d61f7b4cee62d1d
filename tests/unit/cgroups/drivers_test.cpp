// What differs between the drivers, on the real kernel.
#include "cgroups/drivers.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "cgroups/manager.hpp"
#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

TEST_CASE("a new cpuset has its parent's values at every level", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name() + "/a", "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const auto cpuset = manager->paths().find("cpuset");
    if (cpuset != manager->paths().end()) {
      for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
        CHECK(read_text(cpuset->second + file) == read_text("/sys/fs/cgroup/cpuset" + std::string(file)));
        CHECK(read_text(cpuset->second + file).size() > 1);
      }
    }
    manager->remove();
  }
}

TEST_CASE("v2 hands out a directory to clone into and passes controllers down", "[cgroups][root]") {
  const Hierarchies view = only_v2();
  if (!is_writable(view)) SKIP_TEST("no writable v2 tree here");
  const auto manager = make_cgroupfs_manager(view, "/" + unique_name() + "/a/b", "id");
  const Cleanup cleanup(manager->made());
  CHECK_FALSE(manager->clone_target());
  manager->create();
  CHECK(manager->paths().count("") == 1);
  REQUIRE(manager->clone_target());
  const std::string leaf = manager->paths().at("");
  CHECK(read_text(leaf + "/cgroup.controllers") ==
        read_text(view.all.front().mount_point + "/cgroup.controllers"));
  CHECK(read_text(leaf + "/cgroup.subtree_control") == "");

  sys::CloneResult child = sys::clone3(0, manager->clone_target());
  if (child.pid == 0)
    while (true) ::pause();
  CHECK(membership(child.pid).find(leaf.substr(view.all.front().mount_point.size())) != std::string::npos);
  manager->remove();
  sys::wait_for_child(child.pidfd);
  CHECK_FALSE(exists(leaf));
}

TEST_CASE("v1 device rules take effect", "[cgroups][root]") {
  const Hierarchies view = host();
  const auto manager = make_cgroupfs_manager(view, "/" + unique_name(), "id");
  const auto devices = manager->paths().find("devices");
  if (!is_writable(view) || devices == manager->paths().end()) SKIP_TEST("no v1 devices controller here");
  const Cleanup cleanup(manager->made());
  manager->create();
  spec::Resources resources;
  manager->apply(resources);
  CHECK(read_text(devices->second + "/devices.list") == "a *:* rwm\n");
  resources.devices = {{false, 'a', std::nullopt, std::nullopt, true, true, true},
                       {true, 'c', 7, 99, true, false, false}};
  manager->apply(resources);
  const std::string list = read_text(devices->second + "/devices.list");
  for (const char* line : {"c 7:99 r\n", "c 1:3 rwm\n", "c 136:* rwm\n", "c 10:200 rwm\n", "b *:* m\n"})
    CHECK(list.find(line) != std::string::npos);
  CHECK(list.find("a *:*") == std::string::npos);
  manager->remove();
}

TEST_CASE("v1 devices: the parent's refusal of a user's rule is an error with its origin",
          "[cgroups][root]") {
  const Hierarchies view = host();
  const auto parent = make_cgroupfs_manager(view, "/" + unique_name(), "id");
  const auto devices = parent->paths().find("devices");
  if (!is_writable(view) || devices == parent->paths().end()) SKIP_TEST("no v1 devices controller here");
  const Cleanup cleanup(parent->made());
  parent->create();
  std::ofstream(devices->second + "/devices.deny") << "a";
  std::ofstream(devices->second + "/devices.allow") << "c 1:3 rwm";
  const auto manager =
      make_cgroupfs_manager(view, devices->second.substr(devices->second.rfind('/')) + "/a", "id");
  const Cleanup cleanup_child(manager->made());
  manager->create();
  spec::Resources resources;
  resources.devices = {{false, 'a', std::nullopt, std::nullopt, true, true, true}};
  CHECK_NOTHROW(manager->apply(resources));  // most defaults are not to be had here
  CHECK(read_text(manager->paths().at("devices") + "/devices.list") == "c 1:3 rwm\n");
  resources.devices.push_back({true, 'b', 8, 0, true, true, true});
  try {
    manager->apply(resources);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.origin() == "/linux/resources/devices/1");
    CHECK(error.error_number() == EPERM);
  }
  manager->remove();
  parent->remove();
}

TEST_CASE("drivers", "[cgroups]") {
  CHECK_THROWS_WITH(make_cgroupfs_manager({}, "/x", "id"),
                    Catch::Contains("no cgroup file system is mounted"));
  CHECK_THROWS_WITH(make_cgroupfs_manager({}, "/x/../y", "id"), Catch::Contains("cgroupsPath"));
  for (const auto& manager :
       {make_manager({.driver = Driver::disabled, .cgroups_path = "/x", .id = "id"}),
        make_cgroupfs_manager({}, std::nullopt, "id"), open_manager(Driver::cgroupfs, {}, {})}) {
    manager->create();
    manager->attach(::getpid());
    CHECK(manager->paths().empty());
    CHECK(manager->made().empty());
    CHECK_FALSE(manager->frozen());
    spec::Resources resources;
    resources.pids_limit = 5;
    CHECK_THROWS_AS(manager->apply(resources), Error);
    manager->kill_all();  // not the caller
    manager->remove();
  }
}

TEST_CASE("values of flat keyed files", "[cgroups]") {
  CHECK(flat_value("populated 1\nfrozen 0\n", "populated") == 1);
  CHECK(flat_value("populated 1\nfrozen 0\n", "frozen") == 0);
  CHECK(flat_value("xfrozen 1\nfrozen2 1\n", "frozen") == 0);
  CHECK(flat_value("", "frozen") == 0);
}
