// What only v2 has: controllers handed down, threads, delegation.
#include "cgroups/subtree_control.hpp"

#include <catch2/catch.hpp>

#include "cgroups/drivers.hpp"
#include "sys/error.hpp"
#include "tests/unit/cgroups/cgroup_view.hpp"

using namespace ocx;
using namespace ocx::cgroups;
using namespace ocx::test;

namespace {

#define NEED_V2() \
  if (!is_writable(only_v2())) SKIP_TEST("no writable cgroup v2 here")

std::string top_of_v2() {
  return only_v2().all.front().mount_point;
}

std::string some_controller(const std::string& top) {
  std::istringstream words(read_text(top + "/cgroup.controllers"));
  std::string word;
  words >> word;
  return word;
}

std::string text_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::unsupported);
    return error.what();
  }
  return "";
}

uid_t owner_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_uid;
}

}  // namespace

TEST_CASE("controllers reach the container, whatever its depth", "[cgroups][root]") {
  NEED_V2();
  const std::string top = top_of_v2(), controller = some_controller(top);
  if (controller.empty()) SKIP_TEST("cgroup v2 has no controllers here");
  const auto manager = make_cgroupfs_manager(only_v2(), "/" + unique_name() + "/a/b", "id");
  const Cleanup cleanup(manager->made());
  manager->create();
  const std::string directory = manager->paths().at("");
  CHECK_THAT(read_text(directory + "/cgroup.controllers"), Catch::Contains(controller));
  CHECK(read_text(directory + "/cgroup.subtree_control").empty());
  require_controller(directory, controller);
  manager->remove();
}

TEST_CASE("a controller that can't be had is refused with the reason", "[cgroups][root]") {
  NEED_V2();
  const std::string top = top_of_v2(), controller = some_controller(top);
  if (controller.empty()) SKIP_TEST("cgroup v2 has no controllers here");
  const std::string parent = top + "/" + unique_name(), directory = parent + "/a";
  const Cleanup cleanup_parent({parent});
  const Cleanup cleanup({directory});
  REQUIRE(::mkdir(parent.c_str(), 0755) == 0);
  REQUIRE(::mkdir(directory.c_str(), 0755) == 0);
  CHECK_THAT(text_of([&] { require_controller(directory, "nonsense"); }),
             Catch::Contains("controller \"nonsense\" is not available") &&
                 Catch::Contains(top + "/cgroup.controllers\" does not list it"));
  {
    const Sleeper sleeper;
    std::ofstream(parent + "/cgroup.procs") << sleeper.pid();
    CHECK_THAT(text_of([&] { require_controller(directory, controller); }),
               Catch::Contains(parent + "\" has processes of its own"));
  }
  REQUIRE(::rmdir(directory.c_str()) == 0);
}

TEST_CASE("a container below a threaded cgroup is refused", "[cgroups][root]") {
  NEED_V2();
  const std::string top = top_of_v2(), name = unique_name(), parent = top + "/" + name,
                    threads = parent + "/t";
  const Cleanup cleanup_parent({parent});
  const Cleanup cleanup({threads});
  REQUIRE(::mkdir(parent.c_str(), 0755) == 0);
  REQUIRE(::mkdir(threads.c_str(), 0755) == 0);
  std::ofstream(threads + "/cgroup.type") << "threaded";
  REQUIRE(read_text(parent + "/cgroup.type") == "domain threaded\n");
  const auto manager = make_cgroupfs_manager(only_v2(), "/" + name + "/c", "id");
  const std::string text = text_of([&] { manager->create(); });
  CHECK_THAT(text, Catch::Contains("\"domain invalid\"") && Catch::Contains("(/linux/cgroupsPath)") &&
                       Catch::Contains("outside of the threaded cgroup"));
  CHECK_FALSE(exists(parent + "/c"));
}

TEST_CASE("a delegated cgroup is the user's, its limits are not", "[cgroups][root]") {
  NEED_V2();
  const auto manager = make_cgroupfs_manager(only_v2(), "/" + unique_name(), "id");
  const Cleanup cleanup(manager->made());
  manager->create();
  const std::string directory = manager->paths().at("");
  manager->delegate(100000);
  CHECK(owner_of(directory) == 100000);
  for (const char* file : {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"})
    CHECK(owner_of(directory + "/" + file) == 100000);
  for (const char* file : {"cgroup.freeze", "cgroup.max.depth", "cgroup.type", "memory.max", "pids.max"})
    if (exists(directory + "/" + file)) CHECK(owner_of(directory + "/" + file) == 0);
  manager->remove();
}
