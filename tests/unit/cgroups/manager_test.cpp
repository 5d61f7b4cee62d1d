// What every driver does, on the real kernel, in cgroups of their own below the existing mounts.
#include "cgroups/manager.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "cgroups/drivers.hpp"
#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

TEST_CASE("a cgroup is made in every hierarchy, filled, and removed", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const std::string name = unique_name();
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + name + "/a/b", "id");
    const std::vector<std::string> planned = manager->made();
    CHECK(planned.size() == 3 * view.hierarchies.all.size());
    for (const std::string& path : planned) CHECK_FALSE(exists(path));
    const Cleanup cleanup(planned);
    manager->create();
    CHECK(manager->made() == planned);
    for (const std::string& path : planned) CHECK(exists(path));
    for (const auto& [controller, path] : manager->paths())
      CHECK(path.find(name + "/a/b") != std::string::npos);

    const Sleeper sleeper;
    manager->attach(sleeper.pid());
    const std::string cgroups = membership(sleeper.pid());
    for (const Hierarchies::Hierarchy& hierarchy : view.hierarchies.all) {
      const std::string names = hierarchy.v2 ? "" : hierarchy.controllers.front();
      CHECK(cgroups.find(names + ":/" + name + "/a/b\n") != std::string::npos);
    }
    CHECK(manager->processes() == std::vector<int>{sleeper.pid()});
    manager->remove();
    CHECK(sleeper.ends());
    for (const std::string& path : planned) CHECK_FALSE(exists(path));
    CHECK_NOTHROW(manager->remove());
  }
}

TEST_CASE("directories that were there before are used and stay", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const std::string name = unique_name();
    std::vector<std::string> parents, leaves;
    for (const Hierarchies::Hierarchy& hierarchy : view.hierarchies.all) {
      parents.push_back(hierarchy.mount_point + "/" + name);
      leaves.push_back(parents.back() + "/leaf");
    }
    const Cleanup cleanup_parents(parents);
    const Cleanup cleanup_leaves(leaves);
    for (const std::string& parent : parents) REQUIRE(::mkdir(parent.c_str(), 0755) == 0);
    {
      const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + name + "/leaf", "id");
      manager->create();
      CHECK(manager->made().size() == leaves.size());
      manager->remove();
      for (const std::string& leaf : leaves) CHECK_FALSE(exists(leaf));
    }
    // A new one for the rest: on v2 the first now has controllers for its children, and can have no
    // processes.
    for (const std::string& parent : parents) REQUIRE(::rmdir(parent.c_str()) == 0);
    for (const std::string& parent : parents) REQUIRE(::mkdir(parent.c_str(), 0755) == 0);
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + name, "id");
    manager->create();
    CHECK(manager->made().empty());
    const Sleeper sleeper;
    manager->attach(sleeper.pid());
    manager->remove();
    CHECK(sleeper.ends());
    for (const std::string& parent : parents) CHECK(exists(parent));
  }
}

TEST_CASE("a cgroup that is in use is refused, and its processes left alone", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const std::string path = "/" + unique_name();
    const auto first = make_cgroupfs_manager(view.hierarchies, path, "id");
    const Cleanup cleanup(first->made());
    first->create();
    const Sleeper sleeper;
    first->attach(sleeper.pid());

    const auto second = make_cgroupfs_manager(view.hierarchies, path, "id");
    CHECK_THROWS_WITH(second->create(),
                      Catch::Contains("container's cgroup is not empty: 1 process(es) found"));
    CHECK(second->made().empty());
    second->remove();  // a rollback's
    CHECK(sleeper.is_running());

    const auto crashed = open_manager(Driver::cgroupfs, first->paths(), first->made());
    crashed->remove_unused();
    CHECK(sleeper.is_running());
    for (const std::string& made : first->made()) CHECK(exists(made));
    first->remove();
    CHECK(sleeper.ends());
  }
}

TEST_CASE("what a crashed create has made is removed from its plan", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name() + "/a", "id");
    const std::vector<std::string> planned = manager->made();
    const Cleanup cleanup(planned);
    REQUIRE(::mkdir(planned.front().c_str(), 0755) == 0);  // as far as it came
    open_manager(Driver::cgroupfs, manager->paths(), planned)->remove_unused();
    for (const std::string& path : planned) CHECK_FALSE(exists(path));
  }
}

TEST_CASE("processes in cgroups the payload made are found, killed, and their directories removed",
          "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    manager->create();
    const std::string top = manager->made().back();
    const std::string child = top + "/child", grandchild = child + "/grandchild";
    const Cleanup cleanup_top(manager->made());
    const Cleanup cleanup({child, grandchild});
    REQUIRE(::mkdir(child.c_str(), 0755) == 0);
    REQUIRE(::mkdir(grandchild.c_str(), 0755) == 0);
    REQUIRE(::mkdir((child + "/empty").c_str(), 0755) == 0);
    const Cleanup cleanup_empty({child + "/empty"});
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"})
      if (exists(top + file))
        for (const std::string& directory : {child, grandchild})
          std::ofstream(directory + file) << read_text(top + file);
    const Sleeper inside, below;
    manager->attach(inside.pid());
    std::ofstream(grandchild + "/cgroup.procs") << below.pid();
    std::vector<int> expected = {inside.pid(), below.pid()};
    std::sort(expected.begin(), expected.end());
    CHECK(manager->processes() == expected);
    manager->remove();
    CHECK(inside.ends());
    CHECK(below.ends());
    CHECK_FALSE(exists(top));
  }
}

TEST_CASE("a frozen cgroup is recognised, thawed, killed, and refused for a new container",
          "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const std::string path = "/" + unique_name();
    const auto manager = make_cgroupfs_manager(view.hierarchies, path, "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const auto freezer = manager->paths().find("freezer");
    const bool v1 = freezer != manager->paths().end();
    const std::string file =
        v1 ? freezer->second + "/freezer.state" : manager->paths().begin()->second + "/cgroup.freeze";
    const auto freeze = [&](const std::string& file_name) {
      std::ofstream(file_name) << (v1 ? "FROZEN" : "1");
    };

    CHECK_FALSE(manager->frozen());
    freeze(file);
    CHECK(manager->frozen());
    CHECK_THROWS_WITH(make_cgroupfs_manager(view.hierarchies, path, "id")->create(),
                      Catch::Contains("container's cgroup unexpectedly frozen"));
    CHECK_THROWS_WITH(make_cgroupfs_manager(view.hierarchies, path + "/below", "id")->create(),
                      Catch::Contains("container's cgroup unexpectedly frozen"));
    CHECK_FALSE(exists(manager->made().back() + "/below"));
    manager->thaw();
    CHECK_FALSE(manager->frozen());

    const Sleeper sleeper;
    manager->attach(sleeper.pid());
    freeze(file);
    manager->kill_all();
    CHECK(sleeper.ends());
    manager->remove();
  }
}

TEST_CASE("a signal reaches every member once", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const Sleeper one, two, outside;
    manager->attach(one.pid());
    manager->attach(two.pid());
    manager->signal_all(SIGUSR1);
    CHECK(one.ends());
    CHECK(two.ends());
    CHECK(outside.is_running());
    manager->remove();
  }
}

TEST_CASE("a parent another container has come to use stays", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const std::string parent = "/" + unique_name();
    const auto first = make_cgroupfs_manager(view.hierarchies, parent + "/one", "id");
    const Cleanup cleanup(first->made());
    first->create();
    const auto second = make_cgroupfs_manager(view.hierarchies, parent + "/two", "id");
    const Cleanup cleanup_second(second->made());
    second->create();
    first->remove();
    for (const auto& [controller, path] : second->paths()) CHECK(exists(path));
    for (const auto& [controller, path] : first->paths()) CHECK_FALSE(exists(path));
    second->remove();
  }
}

TEST_CASE("removing a cgroup of a running process takes no fixed pause", "[cgroups][root]") {
  FOR_EACH_VIEW(view) {
    const auto manager = make_cgroupfs_manager(view.hierarchies, "/" + unique_name(), "id");
    const Cleanup cleanup(manager->made());
    manager->create();
    const Sleeper sleeper;
    manager->attach(sleeper.pid());
    const auto before = std::chrono::steady_clock::now();
    manager->remove();
    const auto took = std::chrono::steady_clock::now() - before;
    CHECK(took < std::chrono::milliseconds(500));
    INFO(std::chrono::duration_cast<std::chrono::microseconds>(took).count() << " us");
    CHECK(true);
  }
}
