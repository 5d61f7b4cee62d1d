// `exec`: whose settings the added process has, how it ends, and what is said when it can't be run.
#include <poll.h>

#include <algorithm>
#include <filesystem>

#include "tests/harness/cgroup.hpp"
#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

namespace {

bool has(const json& list, const std::string& word) {
  const Words words = list.get<Words>();
  return std::find(words.begin(), words.end(), word) != words.end();
}

json process_of(Bundle& bundle, const Words& args) {
  json process = bundle.process();
  process["args"] = args;
  process["terminal"] = false;
  return process;
}

Path write_process(Bundle& bundle, const json& process) {
  const Path path = bundle.scratch() / "process.json";
  write_file(path, process.dump());
  return path;
}

}  // namespace

TEST_CASE("exec ends as its program ends", "[exec][contract]") {
  Bundle bundle;
  Running running(bundle);
  CHECK(running.shell("exit 0").status == 0);
  CHECK(running.shell("exit 7").status == 7);
  CHECK(running.shell("kill -TERM $$").status == 128 + SIGTERM);
  CHECK(running.shell("kill -KILL $$").status == 128 + SIGKILL);
  CHECK(running.exec({}, {"sh", "-c", "echo $0 $1", "-x", "--help"}).out == "-x --help\n");
}

TEST_CASE("exec joins all namespaces of the container", "[exec][namespaces][contract]") {
  Bundle bundle;
  bundle.add_namespace("cgroup");
  Running running(bundle);
  const json facts = running.facts();
  for (const auto& [name, value] : facts["namespaces"].items()) {
    char link[64] = {};
    const std::string path = "/proc/" + std::to_string(running.container.pid()) + "/ns/" + name;
    if (readlink(path.c_str(), link, sizeof link - 1) < 0) continue;
    INFO(name);
    CHECK(contains(link, value.get<std::string>()));
  }
  CHECK(facts["hostname"] == bundle.config["hostname"]);
  CHECK(facts["ppid"] == 0);
  CHECK(facts["pid"] != 1);
}

TEST_CASE("exec takes the settings of config.json as it was at create", "[exec]") {
  Bundle bundle;
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {5}}, {"umask", 077}};
  bundle.process()["cwd"] = "/tmp";
  bundle.process()["env"] = {"PATH=/bin", "A=config"};
  bundle.process()["rlimits"] = {{{"type", "RLIMIT_CORE"}, {"soft", 5}, {"hard", 6}}};
  bundle.process()["oomScoreAdj"] = 123;
  bundle.process()["noNewPrivileges"] = true;
  Running running(bundle);
  bundle.process()["cwd"] = "/";  // later edits change nothing
  const json facts = running.facts();
  CHECK(facts["cwd"] == "/tmp");
  CHECK(facts["uids"][1] == 1000);
  CHECK(facts["gids"][1] == 1001);
  CHECK(facts["groups"] == json({5}));
  CHECK(has(facts["env"], "A=config"));
  CHECK(facts["no_new_privs"] == 1);
  CHECK(facts["oom_score_adj"].dump().find("123") != std::string::npos);
  CHECK(facts["pdeathsig"] == 0);
  CHECK(facts["sid"] == facts["pid"]);
}

TEST_CASE("exec --env, --cwd, --user and --additional-gids", "[exec]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/bin", "A=config", "B=config"};
  bundle.process()["user"] = {{"uid", 0}, {"gid", 7}};
  Running running(bundle);
  const json facts =
      running.facts({"--env", "B=one", "--env", "B=two", "--env", "C=x=y", "--cwd", "/tmp", "--user",
                     "1000:1001", "--additional-gids", "20", "--additional-gids", "21"});
  CHECK(has(facts["env"], "A=config"));
  CHECK(has(facts["env"], "B=two"));
  CHECK_FALSE(has(facts["env"], "B=one"));
  CHECK(has(facts["env"], "C=x=y"));
  CHECK(facts["cwd"] == "/tmp");
  CHECK(facts["uids"][1] == 1000);
  CHECK(facts["gids"][1] == 1001);
  CHECK(facts["groups"] == json({20, 21}));
  CHECK(running.facts({"-u", "1000"})["gids"][1] == 7);
}

TEST_CASE("exec refuses a user that is no number, and never makes it root", "[exec][security]") {
  ONLY_OCX("others take what they can parse");
  Bundle bundle;
  Running running(bundle);
  for (const char* user : {"", "root", "1000x", "-1", "4294967295", "4294967296", "1000:", ":5", "1000:x",
                           " 5", "0x10", "1000:1:2"}) {
    INFO(user);
    const Result result = running.exec({"--user", user}, {"/bin/sh", "-c", "echo ran"});
    CHECK(result.status == 255);
    CHECK(result.out.empty());
    CHECK(contains(result.err, "--user"));
  }
  CHECK(running.exec({"-g", "wheel"}, {"true"}).status == 255);
}

TEST_CASE("exec in a missing directory, with relative or outside ones", "[exec]") {
  Bundle bundle;
  Running running(bundle);
  const Result missing = running.exec({"--cwd", "/no/such"}, {"true"});
  CHECK(missing.status == 255);
  CHECK(contains(missing.err, "/no/such"));
  CHECK(contains(missing.err, "no such file or directory"));
  CHECK(running.exec({"--cwd", "tmp"}, {"true"}).status == 255);
}

TEST_CASE("exec says why a program can't be run", "[exec][contract]") {
  Bundle bundle;
  write_file(bundle.rootfs() / "bin/plain", "x", 0644);
  Running running(bundle);
  const auto error = [&](const char* program) {
    const Result result = running.exec({}, {program});
    CHECK(result.status == 255);
    CHECK(contains(result.err, "exec failed: "));
    return error_message(result);
  };
  CHECK(contains(error("no-such-program"), R"(exec: "no-such-program": executable file not found in $PATH)"));
  CHECK(contains(error("/no/such"), "no such file or directory"));
  CHECK(contains(error("/bin/plain"), "permission denied"));
  CHECK(contains(error("/bin"), "permission denied"));
}

TEST_CASE("a program that execve refuses is an error of exec, and leaves no pid file", "[exec]") {
  ONLY_OCX("others lose the errno of the last exec");
  Bundle bundle;
  write_file(bundle.rootfs() / "bin/script", "#!/no/interpreter\n", 0755);
  write_file(bundle.rootfs() / "bin/text", "no program\n", 0755);
  Running running(bundle);
  const Path pid_file = bundle.scratch() / "pid";
  for (const bool detach : {false, true}) {
    Words flags{"--pid-file", pid_file};
    if (detach) flags.push_back("--detach");
    const Result script = running.exec(flags, {"/bin/script"});
    CHECK(script.status == 255);
    CHECK(contains(error_message(script), R"(#! interpreter "/no/interpreter" is missing)"));
    const Result text = running.exec(flags, {"/bin/text"});
    CHECK(text.status == 255);
    CHECK(contains(error_message(text), "exec format error"));
    CHECK_FALSE(std::filesystem::exists(pid_file));
  }
  CHECK(adopted_children().size() == 1);  // init
}

TEST_CASE("exec --process replaces all of config.json's process", "[exec][contract]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/bin", "A=config"};
  Running running(bundle);
  json process = process_of(bundle, {"/bin/probe", "facts"});
  process["env"] = {"PATH=/bin", "B=file"};
  process["user"] = {{"uid", 12}, {"gid", 13}};
  process["cwd"] = "/tmp";
  process["noNewPrivileges"] = true;
  const Result result = running.exec({"--process", write_process(bundle, process)}, {});
  REQUIRE_OK(result);
  const json facts = parse_json(result.out);
  CHECK(has(facts["env"], "B=file"));
  CHECK_FALSE(has(facts["env"], "A=config"));
  CHECK(facts["uids"][1] == 12);
  CHECK(facts["cwd"] == "/tmp");
  CHECK(facts["no_new_privs"] == 1);
}

TEST_CASE("exec --process with what would be without effect, or a wrong file", "[exec]") {
  ONLY_OCX("others ignore what stands beside --process");
  Bundle bundle;
  Running running(bundle);
  const Path file = write_process(bundle, process_of(bundle, {"/bin/true"}));
  CHECK(running.exec({"--process", file}, {}).status == 0);
  CHECK(running.exec({"--process", file}, {"true"}).status == 255);
  CHECK(running.exec({"--process", file, "--cwd", "/"}, {}).status == 255);
  CHECK(running.exec({"--process", file, "--env", "A=b"}, {}).status == 255);
  CHECK(running.exec({}, {}).status == 255);
  write_file(file, R"({"args": ["true"]})");
  const Result result = running.exec({"--process", file}, {});
  CHECK(result.status == 255);
  CHECK(contains(error_message(result), "cwd"));
}

TEST_CASE("exec --pid-file names the program's process, once it runs", "[exec][contract]") {
  Bundle bundle;
  Running running(bundle);
  const Path pid_file = bundle.scratch() / "pid";
  write_file(pid_file, "", 0600);  // CRI-O makes it first
  REQUIRE_OK(running.exec({"--detach", "--pid-file", pid_file}, {"/bin/sleep", "1000"}));
  const std::string text = read_file(pid_file);
  const pid_t pid = std::stoi(text);
  CHECK(text == std::to_string(pid));
  CHECK(contains(read_file("/proc/" + text + "/cmdline"), "sleep"));
  CHECK(parent_of(pid) == getpid());  // nobody of ocx is left between
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(wait_and_reap(pid) == 128 + SIGKILL);
}

TEST_CASE("exec --pidfd-socket hands out the process", "[exec]") {
  NOT_ON_RUNC("1.1 has no --pidfd-socket");
  Bundle bundle;
  Running running(bundle);
  DescriptorSocket socket(bundle.scratch() / "pidfd.sock");
  const Path pid_file = bundle.scratch() / "pid";
  REQUIRE_OK(running.exec({"--detach", "--pidfd-socket", socket.path, "--pid-file", pid_file},
                          {"/bin/sleep", "1000"}));
  const Fd pidfd = socket.receive();
  CHECK(socket.data == "setns");
  const std::string pid = read_file(pid_file);
  CHECK(contains(read_file("/proc/self/fdinfo/" + std::to_string(pidfd.get())), "Pid:\t" + pid + "\n"));
  REQUIRE(::kill(std::stoi(pid), SIGKILL) == 0);
  wait_and_reap(std::stoi(pid));
  const Result refused = running.exec({"--pidfd-socket", bundle.scratch() / "nobody"}, {"touch", "/tmp/ran"});
  CHECK(refused.status == 255);
  CHECK_FALSE(std::filesystem::exists(bundle.rootfs() / "tmp/ran"));
}

TEST_CASE("exec passes the descriptors it is asked to, and no others", "[exec][fds][contract]") {
  Bundle bundle;
  Running running(bundle);
  const Pipe a = make_pipe(), b = make_pipe(), c = make_pipe();
  RunOptions options;
  options.fds = {{3, a.write_end.get()}, {4, b.write_end.get()}, {9, c.write_end.get()}};
  const auto numbers = [](const json& facts) { return facts["open_fds"].size(); };
  CHECK(numbers(running.facts({}, options)) == 3);
  CHECK(numbers(running.facts({"--preserve-fds", "2"}, options)) == 5);
}

TEST_CASE("exec forwards signals", "[exec]") {
  Bundle bundle;
  Running running(bundle);
  Child child = running.spawn(
      {}, {"/bin/sh", "-c", "trap 'exit 42' TERM; echo ready > /tmp/ready; while :; do sleep 0.05; done"});
  wait_for_file(bundle.rootfs() / "tmp/ready");
  child.signal(SIGTERM);
  CHECK(child.wait().status == 42);
}

TEST_CASE("exec into a created container, a stopped and a missing one", "[exec][contract]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Result created = container.command({"exec", container.id(), "/bin/echo", "hello"});
  CHECK(created.status == 0);
  CHECK(created.out == "hello\n");
  CHECK(container.status() == "created");
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  const Result stopped = container.command({"exec", container.id(), "true"});
  CHECK(stopped.status == 255);
  CHECK(contains(stopped.err, "cannot exec in a stopped container"));
  const Result missing = container.command({"exec", unique_id(), "true"});
  CHECK(missing.status != 0);
  CHECK(contains(missing.err, "container does not exist"));
}

TEST_CASE("exec into a paused container", "[exec][pause][contract]") {
  Bundle bundle;
  Running running(bundle);
  REQUIRE_OK(running.container.command({"pause", running.container.id()}));
  const Result refused = running.exec({}, {"true"});
  CHECK(refused.status == 255);
  CHECK(contains(refused.err, "cannot exec in a paused container (use --ignore-paused to override)"));
  Child waiting = running.spawn({"--ignore-paused"}, {"/bin/sh", "-c", "exit 5"});
  // Resumed before exec has looked there would be nothing to ignore. No event tells that it is in the cgroup.
  const Path processes = cgroup_directory_of(running.container.pid(), "freezer") / "cgroup.procs";
  for (int i = 0; i < 3000 && lines(read_file(processes)).size() < 2; ++i) ::poll(nullptr, 0, 10);
  REQUIRE(lines(read_file(processes)).size() == 2);
  REQUIRE_OK(running.container.command({"resume", running.container.id()}));
  CHECK(waiting.wait().status == 5);
}

TEST_CASE("exec in a user namespace", "[exec][userns]") {
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.process()["oomScoreAdj"] = 200;
  Running running(bundle);
  const json facts = running.facts({"--user", "5:6", "-g", "7"});
  CHECK(facts["uids"][1] == 5);
  CHECK(facts["gids"][1] == 6);
  CHECK(facts["groups"] == json({7}));
  CHECK(facts["oom_score_adj"].dump().find("200") != std::string::npos);
  CHECK(contains(facts["uid_map"].dump(), "100000"));
  CHECK(running.facts()["uids"][1] == 0);
  const Result unmapped = running.exec({"--user", "70000"}, {"true"});
  CHECK(unmapped.status == 255);
}

TEST_CASE("exec sees the time offsets of the container", "[exec][time]") {
  NOT_ON_RUNC("1.1 has no time namespaces");
  Bundle bundle;
  bundle.add_namespace("time");
  bundle.config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 7000}}}};
  Running running(bundle);
  CHECK(contains(running.facts()["timens_offsets"].dump(), "7000"));
}

TEST_CASE("exec into a container that shares namespaces with the host", "[exec][namespaces]") {
  Bundle bundle;
  bundle.remove_namespace("pid");
  bundle.remove_namespace("network");
  bundle.remove_mount("/sys");
  Running running(bundle);
  const json facts = running.facts();
  char link[64] = {};
  REQUIRE(readlink("/proc/self/ns/net", link, sizeof link - 1) > 0);
  CHECK(contains(link, facts["namespaces"]["net"].get<std::string>()));
}

TEST_CASE("exec in a container without a mount namespace enters its root", "[exec][namespaces]") {
  ONLY_OCX("runc insists on a mount namespace");
  Bundle bundle;
  bundle.config["mounts"] = json::array();
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  bundle.config["root"]["readonly"] = false;
  bundle.remove_namespace("mount");
  Running running(bundle);
  const Result result = running.shell("test -x /bin/probe && ls /");
  REQUIRE_OK(result);
  CHECK(contains(result.out, "bin\n"));
  CHECK_FALSE(contains(result.out, "boot\n"));
}

TEST_CASE("exec runs on the CPUs of execCPUAffinity", "[exec][affinity]") {
  NOT_ON_RUNC("1.1 has no execCPUAffinity");
  Bundle bundle;
  bundle.process()["execCPUAffinity"] = {{"initial", "0"}, {"final", "0"}};
  Running running(bundle);
  CHECK(running.shell("grep Cpus_allowed_list /proc/self/status").out == "Cpus_allowed_list:\t0\n");
  json process = process_of(bundle, {"/bin/grep", "Cpus_allowed_list", "/proc/self/status"});
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
    CHECK(read_file("/proc/" + std::to_string(running.container.pid()) + "/status")
              .find("Cpus_allowed_list:\t0\n") == std::string::npos);
    process["execCPUAffinity"] = {{"final", "1"}};
    CHECK(running.exec({"--process", write_process(bundle, process)}, {}).out == "Cpus_allowed_list:\t1\n");
  }
  for (const char* phase : {"initial", "final"}) {
    process["execCPUAffinity"] = {{phase, "4000"}};
    const std::string message =
        error_message(running.exec({"--process", write_process(bundle, process)}, {}));
    CHECK(contains(message, std::string("/process/execCPUAffinity/") + phase));
  }
}

TEST_CASE("any step of exec that fails is an error that leaves nothing", "[exec][fault]") {
  ONLY_OCX("the hook for tests is ocx's");
  Bundle bundle;
  Running running(bundle);
  const Path pid_file = bundle.scratch() / "pid";
  for (const char* place : {"build:0", "enter:0", "enter:3", "enter:6"}) {
    INFO(place);
    RunOptions options;
    options.add_env = {std::string("OCX_TEST_FAIL_AT=") + place};
    const Result result = running.exec({"--pid-file", pid_file}, {"touch", "/tmp/ran"}, options);
    CHECK(result.status == 255);
    CHECK(contains(error_message(result), "failure asked for before"));
    CHECK_FALSE(std::filesystem::exists(bundle.rootfs() / "tmp/ran"));
    CHECK_FALSE(std::filesystem::exists(pid_file));
  }
  CHECK(adopted_children().size() == 1);  // init
}

TEST_CASE("500 times exec, and 50 at once", "[exec][load]") {
  Bundle bundle;
  Running running(bundle);
  const int in_a_row = runtime_is_ocx() ? 500 : 20;
  for (int i = 0; i < in_a_row; ++i) {
    const int wanted = i % 2;
    REQUIRE(running.exec({}, {wanted == 0 ? "/bin/true" : "/bin/false"}).status == wanted);
  }
  std::vector<Child> children;
  for (int i = 0; i < 50; ++i)
    children.push_back(running.spawn({}, {"/bin/probe", "exit", std::to_string(i)}));
  for (int i = 0; i < 50; ++i) REQUIRE(children[static_cast<size_t>(i)].wait().status == i);
  CHECK(adopted_children().size() == 1);  // init
  const Result members = running.container.command({"ps", "--format", "json", running.container.id()});
  REQUIRE_OK(members);
  CHECK(parse_json(members.out).size() == 1);
}
