// Many containers at once, in one state root: nobody is in another's way, and nothing is left.
#include <catch2/catch.hpp>

#include <deque>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;

namespace {

constexpr int total = 200;
constexpr size_t at_once = 24;

std::string words(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& word : list) text += "'" + word + "' ";
  return text;
}

std::string life(const std::string& runtime_words, const Path& bundle, const std::string& id) {
  // runc's kill does not wait for the end, so that its delete may come too early.
  std::string force = runtime_is_ocx() ? "" : "--force ";
  return runtime_words + "create -b '" + bundle.string() + "' " + id + " </dev/null && " + runtime_words +
         "start " + id + " && " + runtime_words + "kill " + id + " KILL && " + runtime_words + "delete " +
         force + id;
}

}  // namespace

TEST_CASE("200 containers are created, started, killed and deleted in parallel", "[parallel]") {
  become_subreaper();
  adopted_children();
  Bundle bundle;
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 50}};
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 64 << 20}};
  bundle.config["linux"]["resources"]["cpu"] = {{"shares", 512}};
  bundle.save();
  TempDir state;
  std::vector<std::string> argv{runtime_path(), "--root", state.path() / "root"};
  for (const std::string& flag : cgroup_manager_flags()) argv.push_back(flag);
  std::string prefix = unique_id();

  RunOptions options;
  options.timeout = Seconds(120);
  std::deque<Child> running;
  auto finish_one = [&running] {
    Result result = running.front().wait();
    running.pop_front();
    INFO(result.describe());
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    adopted_children();  // reaps
  };
  for (int i = 0; i < total; ++i) {
    if (running.size() >= at_once) finish_one();
    std::string script = life(words(argv), bundle.path(), prefix + "-" + std::to_string(i));
    running.emplace_back(std::vector<std::string>{"/bin/sh", "-c", script}, options);
  }
  while (!running.empty()) finish_one();

  CHECK(cgroups_with(prefix) == std::vector<std::string>{});
  CHECK(units_with(prefix) == std::vector<std::string>{});
  CHECK(host_mounts_with(bundle.path().parent_path()) == std::vector<std::string>{});
  CHECK(host_mounts_with(state.path()) == std::vector<std::string>{});
  CHECK(adopted_children() == std::vector<pid_t>{});
  CHECK(names_in(state.path() / "root") == std::vector<std::string>{});
}
