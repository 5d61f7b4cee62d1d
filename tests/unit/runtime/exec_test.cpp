// The pure parts of exec: which process, and which cgroups.
#include <catch2/catch.hpp>

#include "runtime/exec_cgroup.hpp"
#include "runtime/exec_process.hpp"
#include "spec/exec_document.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"

using namespace ocx;
using Words = std::vector<std::string>;

namespace {

spec::Process container_process() {
  spec::Process process;
  process.args = {"init"};
  process.cwd = "/";
  process.env = {"A=1"};
  process.user.gid = 5;
  process.user.additional_gids = {6};
  return process;
}

}  // namespace

TEST_CASE("exec: without changes the process is the container's") {
  runtime::ExecChanges changes;
  changes.args = {"sh"};
  const spec::Process process = runtime::changed_process(container_process(), changes);
  CHECK(process.args == Words{"sh"});
  CHECK(process.env == Words{"A=1"});
  CHECK(process.user.gid == 5);
  CHECK_FALSE(process.capabilities);
}

TEST_CASE("exec: added capabilities are inheritable only where some are (CVE-2022-29162)") {
  runtime::ExecChanges changes;
  changes.capabilities = 2;
  const spec::Capabilities none = *runtime::changed_process(container_process(), changes).capabilities;
  CHECK(none.bounding == 2);
  CHECK(none.permitted == 2);
  CHECK(none.effective == 2);
  CHECK(none.inheritable == 0);
  CHECK(none.ambient == 0);
  spec::Process some = container_process();
  some.capabilities =
      spec::Capabilities{.effective = 1, .bounding = 1, .inheritable = 1, .permitted = 1, .ambient = 0};
  const spec::Capabilities added = *runtime::changed_process(some, changes).capabilities;
  CHECK(added.inheritable == 3);
  CHECK(added.ambient == 2);
}

TEST_CASE("exec: changes keep the rules of the specification") {
  runtime::ExecChanges changes;
  changes.cwd = "relative";
  CHECK_THROWS_AS(runtime::changed_process(container_process(), changes), Error);
}

TEST_CASE("exec: --cgroup is below the container's, by components") {
  const cgroups::Paths v2{{"", "/sys/fs/cgroup/c1"}};
  const auto place = [&](const std::string& wish) { return runtime::exec_cgroup_paths(v2, {wish}).at(""); };
  CHECK(place("/") == "/sys/fs/cgroup/c1");
  CHECK(place("/a/b") == "/sys/fs/cgroup/c1/a/b");
  CHECK(place("a/../b") == "/sys/fs/cgroup/c1/b");
  CHECK(place("/a:b") == "/sys/fs/cgroup/c1/a:b");
  for (const char* path : {"..", "../c10", "/../c10/x", "a/../../c2", "../../../../.."}) {
    INFO(path);
    CHECK_THROWS_AS(place(path), Error);
  }
  CHECK_THROWS_AS(place("memory:/a"), Error);
  CHECK_THROWS_AS(place(":/a"), Error);
}

TEST_CASE("exec: --cgroup moves the hierarchies of the controllers it names") {
  const cgroups::Paths v1{
      {"cpu", "/c/cpu/x"}, {"cpuacct", "/c/cpu/x"}, {"memory", "/c/memory/x"}, {"pids", "/c/pids/x"}};
  const auto some = runtime::exec_cgroup_paths(v1, {"cpu,memory:a", "pids:b"});
  CHECK(some == cgroups::Paths{{"cpu", "/c/cpu/x/a"},
                               {"cpuacct", "/c/cpu/x/a"},
                               {"memory", "/c/memory/x/a"},
                               {"pids", "/c/pids/x/b"}});
  CHECK(runtime::exec_cgroup_paths(v1, {"a"}).at("pids") == "/c/pids/x/a");
  CHECK_THROWS_AS(runtime::exec_cgroup_paths(v1, {"cpu:a", "cpuacct:b"}), Error);
  CHECK_THROWS_AS(runtime::exec_cgroup_paths(v1, {"nonsense:a"}), Error);
  CHECK(runtime::exec_cgroup_paths(v1, {}) == v1);
}

TEST_CASE("the exec document has what exec needs, and no rules of the filter") {
  spec::Warnings warnings;
  std::string text;
  spec::parse_config(R"({"ociVersion": "1.3.0", "root": {"path": "r"}, "hostname": "h",
    "process": {"cwd": "/", "args": ["a\u0001\"b"], "unknown": 1.5, "oomScoreAdj": -7},
    "linux": {"namespaces": [{"type": "uts"}], "personality": {"domain": "LINUX32"}, "seccomp": {"defaultAction": "SCMP_ACT_ALLOW",
      "listenerPath": "/l", "listenerMetadata": "m", "syscalls": [
      {"names": ["read"], "action": "SCMP_ACT_LOG"}, {"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}}})",
                     warnings, &text);
  CHECK(text.find("mkdir") == std::string::npos);
  const spec::Config kept = spec::parse_exec_document(text);
  CHECK(kept.process->args == Words{"a\x01\"b"});
  CHECK(kept.process->oom_score_adj == -7);
  CHECK(kept.linux.namespaces.size() == 1);
  CHECK(kept.linux.personality == spec::PersonalityDomain::linux32);
  CHECK(kept.linux.seccomp->listener_path == "/l");
  REQUIRE(kept.linux.seccomp->syscalls.size() == 1);
  CHECK(kept.linux.seccomp->syscalls[0].action == spec::SeccompAction::notify);
  CHECK_THROWS_AS(spec::parse_exec_document("{"), Error);
  CHECK_FALSE(spec::parse_exec_document("{}").process.has_value());
}
