// The lessons about limits in bundles/ say what their READMEs promise.
#include <catch2/catch.hpp>

#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

// The lesson as it is, but for a root file system of the test's.
void take_lesson(Bundle& bundle, const std::string& name) {
  for (const auto& entry : fs::directory_iterator(lessons() / name))
    if (entry.is_regular_file()) fs::copy_file(entry.path(), bundle.path() / entry.path().filename());
  bundle.config = parse_json(read_file(bundle.path() / "config.json"));
  CHECK(bundle.config["root"]["path"] == "rootfs");
  fs::create_directory(bundle.rootfs() / "mnt");
}

}  // namespace

TEST_CASE("the memory lesson: three sizes fit, the fourth is killed", "[limits][bundles][memory]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle;
  take_lesson(bundle, "memory-limit");
  Container container(bundle);
  Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.out ==
        "8 MiB: fine\n16 MiB: fine\n24 MiB: fine\n64 MiB: ended with status 137\n"
        "limit: 33554432 bytes\nkilled for want of memory: 1\n");
}

TEST_CASE("the cpu lesson: its periods are counted", "[limits][bundles][cpu]") {
  if (!has_controller("cpu")) SKIP_TEST("no cpu controller here");
  Bundle bundle;
  take_lesson(bundle, "half-a-cpu");
  Container container(bundle);
  RunOptions options;
  options.timeout = Seconds(120);
  Result result = container.run({}, options);
  REQUIRE_OK(result);
  int stopped = 0, periods = 0;
  size_t at = result.out.find("stopped in");
  INFO(result.out);
  REQUIRE(at != std::string::npos);
  REQUIRE(std::sscanf(result.out.c_str() + at, "stopped in %d of %d periods", &stopped, &periods) == 2);
  // Without a quota none is counted. How often it was stopped depends on who else wants the processors.
  CHECK(periods > 0);
  CHECK(stopped <= periods);
}

TEST_CASE("the fork bomb lesson: twenty processes, and thousands of refusals",
          "[limits][bundles][fork_bomb]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  Bundle bundle;
  take_lesson(bundle, "fork-bomb");
  bundle.config["mounts"].push_back(
      {{"destination", "/out"}, {"type", "bind"}, {"source", bundle.scratch()}, {"options", {"bind", "rw"}}});
  // As user 1000.
  fs::permissions(bundle.scratch(), fs::perms::all);
  bundle.args({"sh", "-c", "exec sh /mnt/lesson.sh >/out/report"});
  Container container(bundle);
  REQUIRE_OK(container.create());
  Path directory = limit_directory(container, "pids");
  REQUIRE_OK(container.start());
  std::string report = wait_for_lines(bundle.scratch() / "report", 3);
  INFO(report);
  CHECK(contains(report, "20 processes, 20 allowed, "));
  CHECK(forks_refused(directory) > 100);
  // Ctrl-C.
  REQUIRE_OK(container.kill("INT"));
  CHECK(container.wait_exit() == 0);
  REQUIRE_OK(container.remove());
}
