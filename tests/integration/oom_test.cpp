// Out of memory: seen by `events`, and counted.
#include <catch2/catch.hpp>

#include "tests/harness/cgroup.hpp"
#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

/// 16 MiB; the payload waits for a word on stdin.
void limit_memory(Bundle& bundle) {
  bundle.config["linux"]["resources"]["memory"]["limit"] = 16 << 20;
  bundle.config["linux"]["resources"]["memory"]["swap"] = 16 << 20;
}

constexpr const char* run_out = "x=0123456789abcdef; while :; do x=$x$x; done";

struct Watched {
  Pipe input = make_pipe(), output = make_pipe();
  Result created;
  explicit Watched(Container& container) {
    RunOptions options;
    options.fds = {{0, input.read_end.get()}};
    created = container.create({}, options);
    REQUIRE_OK(created);
    REQUIRE_OK(container.start());
  }
  Child follow(Container& container) {
    RunOptions options;
    options.fds = {{1, output.write_end.get()}};
    Child child = container.spawn({"events", "--interval", "20ms", container.id()}, options);
    output.write_end.close();
    read_until(output.read_end.get(), "\n");  // it is watching
    return child;
  }
  void go() { REQUIRE(write(input.write_end.get(), "go\n", 3) == 3); }
};

}  // namespace

TEST_CASE("a killed process is reported while the container goes on", "[oom]") {
  Bundle bundle;
  limit_memory(bundle);
  bundle.shell(std::string("read word; sh -c '") + run_out + "'; echo killed; sleep 1000");
  Container container(bundle);
  Watched watched(container);
  Child child = watched.follow(container);
  watched.go();
  read_until(watched.output.read_end.get(), "{\"type\":\"oom\",\"id\":\"" + container.id() + "\"}\n");
  CHECK(container.status() == "running");
  CHECK_FALSE(child.ended());
}

TEST_CASE("an init that is killed is reported before the end", "[oom]") {
  ONLY_OCX("runc goes on until the cgroup is deleted");
  Bundle bundle;
  limit_memory(bundle);
  bundle.shell(std::string("read word; ") + run_out);
  Container container(bundle);
  Watched watched(container);
  Child child = watched.follow(container);
  watched.go();
  const std::string seen = read_to_end(watched.output.read_end.get());
  CHECK(contains(seen, "{\"type\":\"oom\",\"id\":\"" + container.id() + "\"}\n"));
  CHECK(child.wait().status == 0);
  CHECK(container.wait_exit() == 137);
}

TEST_CASE("an end without OOM is not reported as one", "[oom]") {
  ONLY_OCX("runc goes on until the cgroup is deleted");
  Bundle bundle;
  limit_memory(bundle);
  bundle.shell("read word");
  Container container(bundle);
  Watched watched(container);
  Child child = watched.follow(container);
  watched.go();
  CHECK_FALSE(contains(read_to_end(watched.output.read_end.get()), "oom\""));
  CHECK(child.wait().status == 0);
}
