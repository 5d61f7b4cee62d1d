// exec as the shim, conmon and CRI-O call it: docs/engine-contract.md, "exec".
#include <signal.h>
#include <sys/stat.h>

#include "tests/integration/engine_calls.hpp"
#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

namespace {

Path write_process(Bundle& bundle, const json& process) {
  const Path path = bundle.scratch() / "runc-process123";
  write_file(path, process.dump(), 0600);
  return path;
}

}  // namespace

TEST_CASE("contract: the shim's process document counts as a whole, and is gone right after the call",
          "[contract][exec]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/bin", "OLD=1"};
  bundle.process()["user"]["umask"] = 022;
  Running running(bundle);
  Container& container = running.container;
  json process = bundle.process();
  process["args"] = {"/bin/sh", "-c", "cat /go > /dev/null; exec probe facts > /tmp/facts"};
  process["env"] = {"PATH=/bin", "NEW=1"};
  process["cwd"] = "/tmp";
  process["user"] = {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {20, 21}}, {"umask", 027}};
  // Docker's --privileged: three sets and no more.
  process["capabilities"] = {
      {"bounding", {"CAP_KILL", "CAP_CHOWN"}}, {"permitted", {"CAP_KILL"}}, {"effective", {"CAP_KILL"}}};
  process["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 3}, {"hard", 4}}};
  process["noNewPrivileges"] = true;
  process["oomScoreAdj"] = 77;
  REQUIRE(::mkfifo((bundle.rootfs() / "go").c_str(), 0666) == 0);
  std::filesystem::permissions(bundle.rootfs() / "go", std::filesystem::perms(0666));
  std::filesystem::permissions(bundle.rootfs() / "tmp", std::filesystem::perms(0777));
  const Path file = write_process(bundle, process), pid_file = bundle.scratch() / "exec.pid";
  const Shim shim(container, bundle.scratch() / "log.json");
  REQUIRE_OK(shim.call({"exec", "--process", file, "--detach", "--pid-file", pid_file, container.id()}));
  std::filesystem::remove(file);
  const pid_t pid = strict_pid(read_file(pid_file));
  CHECK(parent_of(pid) == getpid());
  CHECK(cgroups_of(pid) == cgroups_of(container.pid()));
  write_file(bundle.rootfs() / "go", "go\n");
  CHECK(wait_and_reap(pid) == 0);
  const json facts = parse_json(read_file(bundle.rootfs() / "tmp/facts"));
  CHECK(facts["uids"] == json({1000, 1000, 1000}));
  CHECK(facts["gids"] == json({1001, 1001, 1001}));
  CHECK(facts["groups"] == json({20, 21}));
  CHECK(facts["cwd"] == "/tmp");
  const Words env = facts["env"].get<Words>();
  CHECK(std::count(env.begin(), env.end(), "NEW=1") == 1);
  CHECK(std::count(env.begin(), env.end(), "OLD=1") == 0);
  const auto set = [&](const char* name) {
    return std::stoul(facts["status"][name].get<std::string>(), nullptr, 16);
  };
  CHECK(set("CapBnd") == (1U << 5U | 1U << 0U));
  CHECK(set("CapInh") == 0);
  CHECK(set("CapAmb") == 0);
  CHECK(facts["rlimits"]["RLIMIT_CORE"] == json({3, 4}));
  CHECK(facts["no_new_privs"] == 1);
  CHECK(facts["open_fds"] == json({0, 1, 2}));
  if (runtime_is_runc()) return;  // 1.1 takes these of config.json
  CHECK(facts["umask"] == 027);
  CHECK(facts["oom_score_adj"] == 77);
}

TEST_CASE("contract: CRI-O's foreground exec: pipes, next to no environment, the program's exit code",
          "[contract][exec]") {
  Bundle bundle;
  Running running(bundle);
  json process = bundle.process();
  process["args"] = {"/bin/sh", "-c", "read word; echo out $word; echo err $word >&2; exit 42"};
  const Path file = write_process(bundle, process);
  RunOptions options;
  options.input = "hello\n";
  const Words root = joined({"--root", running.container.root()}, systemd_flag());
  const Result result = direct_call(root, {"exec", "--process", file, running.container.id()}, options);
  CHECK(result.status == 42);
  CHECK(result.out == "out hello\n");
  CHECK(result.err == "err hello\n");
  // The number of a signal that ended it, and of ocx's own failures.
  process["args"] = {"/bin/sh", "-c", "kill -USR1 $$"};
  CHECK(direct_call(root, {"exec", "--process", write_process(bundle, process), running.container.id()})
            .status == 128 + SIGUSR1);
  process["args"] = {"/no/such"};
  CHECK(direct_call(root, {"exec", "--process", write_process(bundle, process), running.container.id()})
            .status == 255);
}

TEST_CASE("contract: exec hands SIGTERM and SIGINT to its program", "[contract][exec]") {
  Bundle bundle;
  Running running(bundle);
  const Path pid_file = bundle.scratch() / "pid";
  Child child = running.spawn({"--pid-file", pid_file}, {"/bin/probe", "trap", "/signals"});
  const Path file = bundle.rootfs() / "signals";
  wait_for_file(file);
  child.signal(SIGINT);
  wait_for_lines(file, 2);
  child.signal(SIGTERM);
  CHECK(lines(wait_for_lines(file, 3)) == Words{"ready", std::to_string(SIGINT), std::to_string(SIGTERM)});
  CHECK_FALSE(child.ended());
  // kubelet's time limit: the runtime's process is killed, conmon looks after the program.
  child.signal(SIGKILL);
  CHECK(child.wait().status == 137);
  const pid_t pid = strict_pid(read_file(pid_file));
  CHECK(process_exists(pid));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(wait_and_reap(pid) == 137);
  CHECK(running.container.status() == "running");
}
