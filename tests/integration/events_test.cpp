// `events`: figures and out-of-memory kills, as JSON lines.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "tests/harness/cgroup.hpp"
#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

Child events(Container& container, Pipe& pipe, const std::string& interval) {
  RunOptions options;
  options.fds = {{1, pipe.write_end.get()}};
  Child child = container.spawn({"events", "--interval", interval, container.id()}, options);
  pipe.write_end.close();
  return child;
}

void start(Container& container) {
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
}

}  // namespace

TEST_CASE("events --stats prints one line in the shape others read", "[events][contract]") {
  Bundle bundle;
  bundle.shell("while :; do :; done");
  bundle.config["linux"]["resources"]["pids"]["limit"] = 17;
  bundle.config["linux"]["resources"]["memory"]["limit"] = 64 << 20;
  Container container(bundle);
  start(container);
  Result result;
  json data;
  // Some kernels count processor time by the tick.
  for (int round = 0; round < 500 && (round == 0 || data["cpu"]["usage"]["total"] == 0); ++round) {
    result = container.command({"events", "--stats", container.id()});
    REQUIRE_OK(result);
    data = parse_json(result.out)["data"];
  }
  CHECK(data["cpu"]["usage"]["total"] > 0);
  CHECK(result.err.empty());
  CHECK(lines(result.out).size() == 1);
  CHECK(result.out.rfind("{\"type\":\"stats\",\"id\":\"" + container.id() + "\",\"data\":{", 0) == 0);
  CHECK(data["pids"] == json({{"current", 1}, {"limit", 17}}));
  CHECK(data["memory"]["usage"]["limit"] == 64 << 20);
  CHECK(data["memory"]["usage"]["usage"] > 0);
  CHECK_FALSE(data["memory"]["raw"].empty());
  for (const char* key : {"cpuset", "blkio", "hugetlb", "intel_rdt"}) CHECK(data[key].is_object());
}

TEST_CASE("events reports each interval and ends with the container", "[events]") {
  ONLY_OCX("runc goes on until the cgroup is deleted");
  Bundle bundle;
  Container container(bundle);
  start(container);
  Pipe pipe = make_pipe();
  Child child = events(container, pipe, "50ms");
  const std::string first = read_until(pipe.read_end.get(), "\n");
  CHECK(parse_json(lines(first)[0])["type"] == "stats");
  read_until(pipe.read_end.get(), "\n");
  CHECK_FALSE(child.ended());
  REQUIRE_OK(container.kill("KILL"));
  read_to_end(pipe.read_end.get());
  const Result result = child.wait();
  CHECK(result.status == 0);
  CHECK(result.err.empty());
}

TEST_CASE("events ends at once with its reader, without a word", "[events]") {
  ONLY_OCX("runc notices with its next line");
  Bundle bundle;
  Container container(bundle);
  start(container);
  Pipe pipe = make_pipe();
  Child child = events(container, pipe, "1h");
  pipe.read_end.close();
  const Result result = child.wait();
  CHECK(result.status == 0);
  CHECK(result.err.empty());
}

TEST_CASE("events needs a running container, a cgroup and a sensible interval", "[events]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  start(container);
  container.wait_exit();
  for (const char* flag : {"--stats", "--interval=1s"})
    CHECK(contains(error_message(container.command({"events", flag, container.id()})),
                   "container with id " + container.id() + " is not running"));
  CHECK(contains(error_message(container.command({"events", "absent"})), "container does not exist"));
  CHECK(container.command({"events", "--interval", "0s", container.id()}).status != 0);
  CHECK(container.command({"events", "--interval", "soon", container.id()}).status != 0);
}

TEST_CASE("events of a container without a cgroup are an error that says so", "[events]") {
  ONLY_OCX("others have no --cgroup-manager disabled");
  Bundle bundle;
  bundle.config["linux"].erase("resources");
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(container.command(
      {"--cgroup-manager", "disabled", "create", "--bundle", bundle.path(), container.id()}));
  CHECK(contains(error_message(container.command({"events", "--stats", container.id()})), "has no cgroup"));
}
