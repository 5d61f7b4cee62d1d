// --pid-file: engines take its appearance as "created", so it is complete, atomic, last, and absent after a
// failure.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

TEST_CASE("the pid file holds the pid that state reports, digits only", "[pid_file][contract]") {
  Bundle bundle;
  Container container(bundle);
  Path file = bundle.scratch() / "pid";
  SECTION("new") {}
  SECTION("over an empty file of the engine's") {
    write_file(file, "", 0600);
  }
  SECTION("over an older one") {
    write_file(file, "1234567890\n");
  }
  REQUIRE_OK(container.create({"--pid-file", file}));
  CHECK(read_file(file) == std::to_string(container.state_json()["pid"].get<int>()));
  CHECK(container.status() == "created");
}

TEST_CASE("the pid file appears by rename", "[pid_file][contract]") {
  Bundle bundle;
  Container container(bundle);
  Fd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  REQUIRE(inotify_add_watch(watch.get(), bundle.scratch().c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO) >= 0);
  REQUIRE_OK(container.create({"--pid-file", bundle.scratch() / "pid"}));
  alignas(inotify_event) char buffer[8192];
  ssize_t size = read(watch.get(), buffer, sizeof buffer);
  bool moved = false;
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
    if (std::string(event->name) == "pid") {
      CHECK((event->mask & (IN_CREATE | IN_MODIFY)) == 0);
      moved = moved || (event->mask & IN_MOVED_TO) != 0;
    }
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  CHECK(moved);
  CHECK(std::distance(std::filesystem::directory_iterator(bundle.scratch()), {}) == 1);
}

TEST_CASE("a relative pid file is below the caller's directory, not the bundle", "[pid_file]") {
  Bundle bundle;
  Container container(bundle);
  RunOptions options;
  options.cwd = bundle.scratch();
  REQUIRE_OK(container.create({"--pid-file", "here.pid"}, options));
  CHECK(read_file(bundle.scratch() / "here.pid") == std::to_string(container.pid()));
}

TEST_CASE("no pid file after a failed create", "[pid_file][contract]") {
  Bundle bundle({"/absent"});
  Container container(bundle);
  CHECK(container.create({"--pid-file", bundle.scratch() / "pid"}).status != 0);
  CHECK(std::filesystem::is_empty(bundle.scratch()));
}

TEST_CASE("a pid file that can't be written fails create and leaves nothing", "[pid_file]") {
  Bundle bundle;
  Container container(bundle);
  Result result = container.create({"--pid-file", bundle.scratch() / "absent" / "pid"});
  CHECK(contains(error_message(result), "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("foreground and detached run write it too", "[pid_file]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  Path file = bundle.scratch() / "pid";
  SECTION("foreground") {
    REQUIRE_OK(container.run({"--pid-file", file}));
  }
  SECTION("detached") {
    bundle.args({"/bin/probe", "pause"});
    REQUIRE_OK(container.run({"--detach", "--pid-file", file}));
    CHECK(std::stoi(read_file(file)) == container.pid());
  }
  std::string text = read_file(file);
  CHECK_FALSE(text.empty());
  CHECK(text.find_first_not_of("0123456789") == std::string::npos);
}
