#include "cgroups/path.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;

namespace {

Hierarchies::Hierarchy hierarchy(const std::string& own, const std::string& root, bool v2) {
  return {v2 ? std::vector<std::string>{} : std::vector<std::string>{"memory"}, "/cg", own, root, v2};
}

}  // namespace

TEST_CASE("where a container's cgroup is", "[cgroups]") {
  struct Case {
    std::string own, root;
    bool v2;
    std::optional<std::string> path;
    std::string expected;
  };
  const Case cases[] = {
      {"/user/x", "/", false, "/a/b", "/cg/a/b"},
      {"/user/x", "/", false, "a/b", "/cg/user/x/a/b"},
      {"/user/x", "/", false, std::nullopt, "/cg/user/x/ID"},
      {"/user/x", "/", false, "", "/cg/user/x/ID"},
      {"/", "/", false, std::nullopt, "/cg/ID"},
      {"/user/x", "/", true, "/a/b", "/cg/a/b"},
      {"/user/x", "/", true, "a/b", "/cg/user/a/b"},
      {"/user/x", "/", true, std::nullopt, "/cg/user/ID"},
      {"/x", "/", true, std::nullopt, "/cg/ID"},
      {"/", "/", true, std::nullopt, "/cg/ID"},
      {"/docker/abc", "/docker/abc", false, std::nullopt, "/cg/ID"},
      {"/docker/abc/init", "/docker/abc", false, "a", "/cg/init/a"},
      {"/docker/abcd", "/docker/abc", false, "a", "/cg/a"},
      {"/../../x", "/", false, "a", "/cg/a"},
      {"/user/x", "/", false, "//a//b/./c/", "/cg/a/b/c"},
  };
  for (const Case& item : cases) {
    INFO(item.own << " " << item.root << " " << item.v2 << " " << item.path.value_or("absent"));
    CHECK(container_directory(hierarchy(item.own, item.root, item.v2), item.path, "ID") == item.expected);
  }
}

TEST_CASE("cgroups paths that name no cgroup of the container's own are refused", "[cgroups]") {
  for (const char* path : {"/a/../b", "..", "../x", "/", "//", "."}) {
    INFO(path);
    try {
      check_cgroups_path(path);
      FAIL("accepted");
    } catch (const ocx::Error& error) {
      CHECK(error.kind() == ocx::ErrorKind::invalid_config);
      CHECK(error.origin() == "/linux/cgroupsPath");
    }
  }
  for (const char* path :
       {"", "/a", "a", "a..b", "/..a/b", "/pods/cri:x:y", "a:b", "system.slice:docker:id"}) {
    INFO(path);
    CHECK_NOTHROW(check_cgroups_path(path));
  }
}
