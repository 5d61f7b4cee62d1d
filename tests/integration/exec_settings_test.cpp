// `exec`: what a process added with --process has of limits, priorities and capabilities, and what all have
// of the container.
#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

TEST_CASE("exec --process has the limits, priorities and capabilities of its document", "[exec][contract]") {
  NOT_ON_RUNC("runc 1.1 does not know process.scheduler");
  Bundle bundle;
  Running running(bundle);
  json process = bundle.process();
  process["args"] = {"/bin/probe", "facts"};
  process["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 7}, {"hard", 8}}};
  process["capabilities"] = {{"bounding", {"CAP_KILL"}}};
  process["oomScoreAdj"] = 321;
  process["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 3}};
  process["ioPriority"] = {{"class", "IOPRIO_CLASS_BE"}, {"priority", 6}};
  const Path file = bundle.scratch() / "process.json";
  write_file(file, process.dump());
  const Result result = running.exec({"--process", file}, {});
  REQUIRE_OK(result);
  const json facts = parse_json(result.out);
  CHECK(facts["rlimits"]["RLIMIT_CORE"] == json({7, 8}));
  CHECK(std::stoul(facts["status"]["CapBnd"].get<std::string>(), nullptr, 16) == 1U << 5U);
  CHECK(facts["oom_score_adj"] == 321);
  CHECK(facts["scheduler"]["policy"] == 3);
  CHECK(facts["ioprio_class"] == 2);
  CHECK(facts["ioprio_priority"] == 6);
}

TEST_CASE("exec shares the container's session keyring", "[exec]") {
  Bundle bundle;
  Running running(bundle);
  const std::string keyring = running.facts()["keyring"];
  CHECK(contains(keyring, "_ses." + running.container.id()));
}

TEST_CASE("exec adds no mounts: masks and read-only paths are there once", "[exec][masked_paths]") {
  Bundle bundle;
  Running running(bundle);
  const std::string before = running.shell("cat /proc/1/mountinfo").out;
  CHECK(contains(before, " /proc/sys "));
  for (int round = 0; round < 3; ++round) CHECK(running.shell("cat /proc/self/mountinfo").out == before);
  CHECK(running.shell("cat /proc/1/mountinfo").out == before);
}
