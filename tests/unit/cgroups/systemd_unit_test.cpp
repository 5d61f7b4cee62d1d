#include "cgroups/systemd_unit.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;

TEST_CASE("cgroupsPath as systemd's driver reads it", "[cgroups]") {
  struct Case {
    std::optional<std::string> path;
    bool user;
    std::string name, slice, directory;
  };
  const Case cases[] = {
      {"machine.slice:libpod:abc", false, "libpod-abc.scope", "machine.slice",
       "/machine.slice/libpod-abc.scope"},
      {std::nullopt, false, "ocx-ID.scope", "system.slice", "/system.slice/ocx-ID.scope"},
      {"", false, "ocx-ID.scope", "system.slice", "/system.slice/ocx-ID.scope"},
      {"", true, "ocx-ID.scope", "user.slice", "/user.slice/ocx-ID.scope"},
      {":docker:x", false, "docker-x.scope", "system.slice", "/system.slice/docker-x.scope"},
      {":docker:x", true, "docker-x.scope", "user.slice", "/user.slice/docker-x.scope"},
      {"::x", false, "x.scope", "system.slice", "/system.slice/x.scope"},
      {"-.slice:a:b", false, "a-b.scope", "-.slice", "/a-b.scope"},
      {"a-b-c.slice:cri:x", false, "cri-x.scope", "a-b-c.slice",
       "/a.slice/a-b.slice/a-b-c.slice/cri-x.scope"},
      {"a.slice:p:c.slice", false, "c.slice", "a.slice", "/c.slice"},
      {"a.slice::a-b.slice", false, "a-b.slice", "a.slice", "/a.slice/a-b.slice"},
      {"a.slice:p:x+y@z/\xc3\xa4", false, "p-x\\x2by\\x40z\\x2f\\xc3\\xa4.scope", "a.slice",
       "/a.slice/p-x\\x2by\\x40z\\x2f\\xc3\\xa4.scope"},
      {"a.slice:p:..", false, "p-...scope", "a.slice", "/a.slice/p-...scope"},
  };
  for (const Case& item : cases) {
    INFO(item.path.value_or("absent"));
    const SystemdUnit unit = unit_of(item.path, "ID", item.user);
    CHECK(unit.name == item.name);
    CHECK(unit.slice == item.slice);
    CHECK(unit_directory(unit) == item.directory);
    CHECK(unit.is_slice() == (item.name == "c.slice" || item.name == "a-b.slice"));
  }
}

TEST_CASE("cgroupsPaths that name no unit are refused", "[cgroups]") {
  const std::string long_name(252, 'x');
  const std::string cases[] = {"/a/b",
                               "a",
                               "a.slice:b",
                               "a.slice:b:c:d",
                               "a.slice:b:",
                               "a:b:c",
                               "../x.slice:a:b",
                               "a--b.slice:a:b",
                               "-a.slice:a:b",
                               "a-.slice:a:b",
                               ".slice:a:b",
                               "a b.slice:a:b",
                               ":a:-.slice",
                               ":a:b--c.slice",
                               ":a:../c.slice",
                               ":a:" + long_name,
                               std::string("a.slice:b:c\0d", 13)};
  for (const std::string& path : cases) {
    INFO(path);
    try {
      unit_of(path, "ID", false);
      FAIL("accepted");
    } catch (const ocx::Error& error) {
      CHECK(error.kind() == ocx::ErrorKind::invalid_config);
      CHECK(error.origin() == "/linux/cgroupsPath");
    }
  }
}

TEST_CASE("a unit's name has at most 255 bytes", "[cgroups]") {
  CHECK(unit_of("::" + std::string(249, 'x'), "ID", false).name.size() == 255);
  CHECK_THROWS_WITH(unit_of("::" + std::string(250, 'x'), "ID", false), Catch::Contains("255"));
  // Escaped, a character has four.
  CHECK_THROWS_WITH(unit_of("::" + std::string(63, '+'), "ID", false), Catch::Contains("255"));
}

TEST_CASE("slices nest by their names", "[cgroups]") {
  CHECK(slice_directory("-.slice") == "");
  CHECK(slice_directory("a.slice") == "/a.slice");
  CHECK(slice_directory("user-1000.slice") == "/user.slice/user-1000.slice");
  CHECK(slice_directory("kubepods-burstable-pod1_2.slice") ==
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice");
  for (const char* name : {"", "slice", ".slice", "a", "a.scope", "a/b.slice", "--.slice", "a@b.slice"}) {
    INFO(name);
    CHECK_FALSE(slice_directory(name));
  }
}

TEST_CASE("where managers have their cgroup", "[cgroups]") {
  CHECK(system_manager_cgroup("/init.scope") == "");
  CHECK(system_manager_cgroup("/") == "");
  CHECK(system_manager_cgroup("") == "");
  CHECK(system_manager_cgroup("/docker/abc/init.scope") == "/docker/abc");
  CHECK(system_manager_cgroup("/other") == "/other");
  CHECK(user_manager_cgroup("/user.slice/user-7.slice/user@7.service/app.slice/x.service", 9) ==
        "/user.slice/user-7.slice/user@7.service");
  CHECK(user_manager_cgroup("/user.slice/user-7.slice/user@7.service", 9) ==
        "/user.slice/user-7.slice/user@7.service");
  CHECK(user_manager_cgroup("/user.slice/user-7.slice/session-1.scope", 7) ==
        "/user.slice/user-7.slice/user@7.service");
  CHECK(user_manager_cgroup("/user@7.servicex/a", 7) == "/user.slice/user-7.slice/user@7.service");
}
