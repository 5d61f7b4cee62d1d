// `delete`: undoes create, needs --force for what runs, and touches nothing that is not the container's.
#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("delete of an absent container fails, with --force it is silent", "[delete]") {
  Bundle bundle;
  Container container(bundle);
  CHECK(contains(error_message(container.remove()), "container does not exist"));
  Result forced = container.force_delete();
  REQUIRE_OK(forced);
  CHECK(forced.out.empty());
  CHECK(forced.err.empty());
}

TEST_CASE("delete of a created container kills it", "[delete][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  pid_t pid = container.pid();
  REQUIRE_OK(container.remove());
  CHECK_FALSE(process_exists(pid));
  container.wait_exit();
  CHECK(container.leftovers().empty());
}

TEST_CASE("delete of a running container needs --force", "[delete]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  CHECK(contains(error_message(container.remove()), "that is not stopped: running"));
  CHECK(process_exists(container.pid()));
  REQUIRE_OK(container.force_delete());
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.leftovers().empty());
}

TEST_CASE("delete of a paused container: only with --force, which thaws and kills it", "[delete]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  if (!freeze_cgroup(container)) SKIP_TEST("no freezer here");
  CHECK(container.status() == "paused");
  CHECK(contains(error_message(container.remove()), "that is not stopped: paused"));
  CHECK(container.status() == "paused");
  REQUIRE_OK(container.force_delete());
  CHECK(container.wait_exit() == 128 + SIGKILL);
  CHECK(container.leftovers().empty());
}

TEST_CASE("the id can be used again after delete", "[delete]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  for (int round = 0; round < 3; ++round) {
    REQUIRE_OK(container.run());
    CHECK(container.leftovers().empty());
  }
}

TEST_CASE("delete --force removes a directory without a record", "[delete][contract]") {
  Bundle bundle;
  Container container(bundle);
  std::filesystem::create_directories(container.state_directory() / "left");
  write_file(container.state_directory() / "state.json.tmp", "{");
  REQUIRE_OK(container.force_delete());
  CHECK_FALSE(std::filesystem::exists(container.state_directory()));
}

TEST_CASE("delete --force removes a container whose record is damaged", "[delete]") {
  ONLY_OCX("runc can't load it and leaves everything");
  for (const char* content : {"", "{", "[]", "{\"id\": 5}", "\xff\xfe"}) {
    Bundle bundle;
    Container container(bundle);
    write_file(container.state_directory() / "state.json", content, 0600);
    CHECK(container.state().status != 0);
    REQUIRE_OK(container.force_delete());
    CHECK_FALSE(std::filesystem::exists(container.state_directory()));
  }
}

TEST_CASE("delete leaves bundle and rootfs alone", "[delete]") {
  Bundle bundle;
  bundle.shell("echo kept > /kept; mkdir /made");
  Container container(bundle);
  container.output();
  REQUIRE_OK(container.remove());
  CHECK(read_file(bundle.rootfs() / "kept") == "kept\n");
  CHECK(std::filesystem::is_directory(bundle.rootfs() / "made"));
  CHECK(std::filesystem::exists(bundle.path() / "config.json"));
}

TEST_CASE("delete --force ends what a container in the host's pid namespace left behind",
          "[delete][contract]") {
  Bundle bundle;
  bundle.remove_namespace("pid");
  bundle.shell("/bin/probe daemon /left; while ! test -s /left; do :; done");
  Container container(bundle);
  container.output();
  pid_t left = std::stoi(read_file(bundle.rootfs() / "left").substr(4));
  REQUIRE(process_exists(left));
  CHECK(container.status() == "stopped");
  REQUIRE_OK(container.force_delete());
  CHECK(wait_gone(left));
  CHECK(container.leftovers().empty());
}

TEST_CASE("delete works when init is reaped late by somebody else", "[delete][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  ::kill(container.pid(), SIGKILL);
  REQUIRE(wait_gone(container.pid()));
  REQUIRE_OK(container.remove());
  CHECK(cgroups_with(container.id()).empty());
  container.wait_exit();
}
