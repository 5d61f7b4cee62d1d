// Cgroups below the container's own, which annotations ask for.
#include "cgroups/leaf.hpp"

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

uid_t owner_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_uid;
}

}  // namespace

TEST_CASE("leaves are the names of single cgroups", "[leaf]") {
  for (const char* annotation : {subgroup_annotation, delegate_annotation})
    for (const std::string& bad :
         {std::string(".."), std::string("."), std::string("/a"), std::string("a/b"), std::string("../a"),
          std::string("cgroup.procs"), std::string("a\0b", 3), std::string(256, 'a')}) {
      CAPTURE(annotation, bad);
      try {
        leaves_of({{annotation, bad}}, true);
        FAIL("accepted");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_config);
        CHECK(error.origin() == std::string("/annotations/") + annotation);
      }
    }
  const Leaves both = leaves_of({{subgroup_annotation, "container"}, {delegate_annotation, "inner"}}, true);
  CHECK(both.subgroup == "container");
  CHECK(both.delegated == "inner");
  CHECK(leaves_of({{subgroup_annotation, ""}}, true).subgroup.empty());
  CHECK(leaves_of({}, true).subgroup.empty());
  CHECK(leaves_of({{delegate_annotation, "inner"}}, false).delegated.empty());
}

TEST_CASE("init starts in the subgroup and ends in the delegated leaf", "[leaf][root]") {
  NEED_V2();
  const auto manager =
      make_cgroupfs_manager(only_v2(), "/" + unique_name(), "id", false, {"container", "inner"});
  const Cleanup cleanup(manager->made());
  manager->create();
  const std::string outer = manager->paths().at("");
  CHECK(outer.find("container") == std::string::npos);
  {
    const Sleeper sleeper;
    manager->attach(sleeper.pid());
    CHECK(read_text(outer + "/container/cgroup.procs") == std::to_string(sleeper.pid()) + "\n");
    manager->delegate(100000);
    CHECK(read_text(outer + "/container/inner/cgroup.procs") == std::to_string(sleeper.pid()) + "\n");
    CHECK(owner_of(outer + "/container/inner") == 100000);
    CHECK(owner_of(outer + "/container") == 0);
    CHECK(manager->processes() == std::vector<int>{sleeper.pid()});
    manager->kill_all();
    CHECK(sleeper.ends());
  }
  manager->remove();
  CHECK_FALSE(exists(outer));
}
