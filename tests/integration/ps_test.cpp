// `ps`: who is in the container.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

std::vector<int> pids(Container& container) {
  const Result result = container.command({"ps", "--format", "json", container.id()});
  REQUIRE_OK(result);
  CHECK(result.err.empty());
  CHECK(result.out.back() == '\n');
  return parse_json(result.out).get<std::vector<int>>();
}

/// A payload with one child; both are there when this returns.
void start_two(Container& container) {
  container.bundle().shell("sleep 1000 & echo ready; wait");
  const Result created = container.create();
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  while (created.out_now().find("ready") == std::string::npos) REQUIRE(process_exists(container.pid()));
}

}  // namespace

TEST_CASE("ps --format json lists the pids of every process on the host", "[ps][contract]") {
  Bundle bundle;
  Container container(bundle);
  start_two(container);
  const std::vector<int> found = pids(container);
  REQUIRE(found.size() == 2);
  CHECK(std::count(found.begin(), found.end(), container.pid()) == 1);
  for (const int pid : found) CHECK((pid == container.pid() || parent_of(pid) == container.pid()));
}

TEST_CASE("ps answers for a created and for a stopped container", "[ps][contract]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(pids(container) == std::vector<int>{container.pid()});
  REQUIRE_OK(container.start());
  container.wait_exit();
  const json after = parse_json(container.command({"ps", "--format", "json", container.id()}).out);
  CHECK((after.is_null() || after.empty()));
}

TEST_CASE("the table of ps has a heading and the container's lines, with ps's own arguments",
          "[ps][contract]") {
  if (run({"sh", "-c", "command -v ps"}).status != 0) SKIP_TEST("no ps(1) here");
  Bundle bundle;
  Container container(bundle);
  start_two(container);
  const Result table = container.command({"ps", container.id()});
  REQUIRE_OK(table);
  CHECK(lines(table.out).size() == 3);
  CHECK(contains(lines(table.out)[0], "PID"));
  CHECK(contains(table.out, "sleep 1000"));
  const Result own = container.command({"ps", container.id(), "-o", "pid,ppid", "-A"});
  REQUIRE_OK(own);
  CHECK(lines(own.out).size() == 3);
  CHECK(contains(lines(own.out)[0], "PPID"));
  CHECK_FALSE(contains(own.out, "sleep"));
  CHECK(contains(error_message(container.command({"ps", container.id(), "-o", "cmd", "-A"})),
                 "couldn't find PID field in ps output"));
}

TEST_CASE("errors of ps say what is missing", "[ps]") {
  ONLY_OCX("other words");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  RunOptions nowhere;
  nowhere.env = {"PATH=/nonexistent"};
  const std::string missing = error_message(container.command({"ps", container.id()}, nowhere));
  CHECK(contains(missing, "no ps program in $PATH"));
  CHECK(contains(missing, "procps"));
  CHECK(contains(error_message(container.command({"ps", container.id(), "--bogus"})),
                 "`ps --bogus` ended with"));
  CHECK(contains(error_message(container.command({"ps", "--format", "xml", container.id()})), "xml"));
  CHECK(contains(error_message(container.command({"ps", "absent"})), "container does not exist"));
}

TEST_CASE("without a cgroup ps goes by the pid namespace", "[ps]") {
  ONLY_OCX("others have no --cgroup-manager disabled");
  Bundle bundle;
  // The grandchild lives in a pid namespace below the container's.
  bundle.shell("sleep 1000 & unshare -p -f sleep 2000 & echo ready; wait");
  bundle.capabilities({"CAP_SYS_ADMIN"});
  Container container(bundle);
  bundle.config["linux"].erase("resources");
  bundle.save();
  const std::vector<std::string> disabled = {"--cgroup-manager", "disabled"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.begin(), disabled.begin(), disabled.end());
    return container.command(words);
  };
  const Result created = with({"create", "--bundle", bundle.path(), container.id()});
  REQUIRE_OK(created);
  CHECK(pids(container) == std::vector<int>{container.pid()});
  REQUIRE_OK(container.start());
  while (pids(container).size() < 4) REQUIRE(process_exists(container.pid()));
  CHECK(pids(container).size() == 4);
}

TEST_CASE("without a cgroup and a pid namespace ps says that it can't tell", "[ps]") {
  ONLY_OCX("others have no --cgroup-manager disabled");
  Bundle bundle;
  bundle.remove_namespace("pid");
  Container container(bundle);
  bundle.config["linux"].erase("resources");
  bundle.save();
  REQUIRE_OK(container.command(
      {"--cgroup-manager", "disabled", "create", "--bundle", bundle.path(), container.id()}));
  CHECK(contains(error_message(container.command({"ps", "--format", "json", container.id()})),
                 "no cgroup, and no pid namespace of its own"));
}
