// `exec` by and into an unprivileged user's containers, whose user namespace ocx made by itself.
#include <sys/stat.h>

#include "tests/integration/exec_container.hpp"
#include "tests/integration/exec_terminal.hpp"
#include "tests/integration/user_container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

constexpr const char* granted = "1000:200000:65536\n";
constexpr const char* one_id = "";

/// Subordinate ids of the user's: none, and what newuidmap maps where that is installed.
std::vector<std::string> grants() {
  if (has_newuidmap()) return {one_id, granted};
  return {one_id};
}

class RunningOfUser : public UserContainer {
 public:
  explicit RunningOfUser(Bundle& bundle, const std::string& ranges = one_id) : UserContainer(bundle, ranges) {
    REQUIRE_OK(create());
    REQUIRE_OK(ocx({"start", id()}));
  }
  Words words(const Words& flags, const Words& command) const {
    return Words{"exec"} + flags + Words{id()} + command;
  }
  Result exec(const Words& flags, const Words& command) { return ocx(words(flags, command)); }
  Result shell(const std::string& script, const Words& flags = {}) {
    return exec(flags, {"/bin/sh", "-c", script});
  }
  /// By root of the host.
  Result exec_by_root(const Words& flags, const Words& command) {
    const Path root = runtime_directory() / "ocx";
    return ::ocx::test::run(Words{runtime_path(), "--root", root} + words(flags, command));
  }
  Path pid_file() const { return runtime_directory() / "pid"; }
};

void check_same_namespaces(const json& facts, pid_t pid) {
  for (const auto& [name, value] : facts["namespaces"].items()) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + name;
    if (!fs::is_symlink(path)) continue;
    INFO(name);
    CHECK(contains(fs::read_symlink(path).string(), value.get<std::string>()));
  }
}

json facts_of(const Result& result) {
  REQUIRE_OK(result);
  return parse_json(result.out);
}

void end(pid_t pid) {
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(wait_and_reap(pid) == 128 + SIGKILL);
}

}  // namespace

TEST_CASE("rootless: exec joins the namespaces that ocx made", "[rootless][exec]") {
  NEEDS_USER();
  for (const std::string& ranges : grants()) {
    INFO(ranges);
    Bundle bundle;
    bundle.process()["oomScoreAdj"] = 300;
    bundle.process()["noNewPrivileges"] = true;
    RunningOfUser running(bundle, ranges);
    const json facts = facts_of(running.exec({}, {"/bin/probe", "facts"}));
    check_same_namespaces(facts, running.pid());
    CHECK(facts["uids"] == json({0, 0, 0}));
    CHECK(facts["ppid"] == 0);
    CHECK(facts["sid"] == facts["pid"]);
    CHECK(facts["pdeathsig"] == 0);
    CHECK(facts["no_new_privs"] == 1);
    CHECK(facts["open_fds"].size() == 3);
    CHECK(contains(facts["oom_score_adj"].dump(), "300"));
    CHECK(facts["hostname"] == bundle.config["hostname"]);
  }
}

TEST_CASE("rootless: exec ends as its program ends, and says why one can't be run", "[rootless][exec]") {
  NEEDS_USER();
  Bundle bundle;
  write_file(bundle.rootfs() / "bin/text", "no program\n", 0755);
  RunningOfUser running(bundle);
  CHECK(running.shell("exit 0").status == 0);
  CHECK(running.shell("exit 7").status == 7);
  CHECK(running.shell("kill -KILL $$").status == 128 + SIGKILL);
  for (const auto& [program, text] : {std::pair{"/bin/text", "exec format error"},
                                      {"/no/such", "no such file or directory"},
                                      {"no-such", "executable file not found in $PATH"}}) {
    INFO(program);
    const Result result = running.exec({"--pid-file", running.pid_file()}, {program});
    CHECK(result.status == 255);
    CHECK(contains(error_message(result), text));
    CHECK_FALSE(fs::exists(running.pid_file()));
  }
  const Result directory = running.exec({"--cwd", "/no/such"}, {"/bin/true"});
  CHECK(directory.status == 255);
  CHECK(contains(error_message(directory), "/no/such"));
  CHECK(adopted_children() == std::vector<pid_t>{running.pid()});
}

TEST_CASE("rootless: exec into a created container leaves it so", "[rootless][exec]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  REQUIRE_OK(container.create());
  const Result result = container.ocx({"exec", container.id(), "/bin/echo", "hello"});
  REQUIRE_OK(result);
  CHECK(result.out == "hello\n");
  CHECK(container.state().at("status") == "created");
  REQUIRE_OK(container.ocx({"kill", container.id(), "KILL"}));
  wait_and_reap(container.pid());
  const Result stopped = container.ocx({"exec", container.id(), "/bin/true"});
  CHECK(stopped.status == 255);
  CHECK(contains(error_message(stopped), "cannot exec in a stopped container"));
}

TEST_CASE("rootless: exec --user", "[rootless][exec]") {
  NEEDS_NEWUIDMAP();
  Bundle bundle;
  RunningOfUser running(bundle, granted);
  const json facts = facts_of(running.exec({"--user", "33:44", "-g", "5"}, {"/bin/probe", "facts"}));
  CHECK(facts["uids"] == json({33, 33, 33}));
  CHECK(facts["gids"] == json({44, 44, 44}));
  CHECK(facts["groups"] == json({5}));
  for (const auto& [flags, text] : {std::pair{Words{"--user", "70000"}, "uid 70000 is not mapped"},
                                    {Words{"--user", "0:70000"}, "gid 70000 is not mapped"},
                                    {Words{"-g", "70000"}, "a group is not mapped"}}) {
    const Result unmapped = running.exec(flags, {"/bin/true"});
    CHECK(unmapped.status == 255);
    CHECK(contains(error_message(unmapped), text));
  }
}

TEST_CASE("rootless: with one id exec is that user, and no other", "[rootless][exec]") {
  NEEDS_USER();
  Bundle bundle;
  bundle.process()["user"] = {{"uid", 33}, {"gid", 44}};
  RunningOfUser running(bundle);
  CHECK(running.shell("id -u; id -g").out == "33\n44\n");
  CHECK(running.exec_by_root({}, {"/bin/sh", "-c", "id -u; id -g"}).out == "33\n44\n");
  for (const auto& [flags, text] : {std::pair{Words{"--user", "0:44"}, "uid 0 is not mapped"},
                                    {Words{"--user", "33:0"}, "gid 0 is not mapped"},
                                    {Words{"-g", "45"}, "denies setgroups"}}) {
    INFO(text);
    const Result unmapped = running.exec(flags, {"/bin/true"});
    CHECK(unmapped.status == 255);
    CHECK(contains(error_message(unmapped), text));
  }
}

TEST_CASE("rootless: exec --detach --pid-file has the host's pid", "[rootless][exec]") {
  NEEDS_USER();
  Bundle bundle;
  RunningOfUser running(bundle);
  REQUIRE_OK(running.exec({"--detach", "--pid-file", running.pid_file()}, {"/bin/sleep", "1000"}));
  const pid_t pid = std::stoi(read_file(running.pid_file()));
  CHECK(contains(read_file("/proc/" + std::to_string(pid) + "/cmdline"), "sleep"));
  CHECK(parent_of(pid) == getpid());
  CHECK(adopted_children().size() == 2);  // init, and no one between
  end(pid);
}

TEST_CASE("rootless: exec --preserve-fds", "[rootless][exec][fds]") {
  NEEDS_USER();
  Bundle bundle;
  RunningOfUser running(bundle);
  const Pipe pipe = make_pipe();
  RunOptions options;
  options.fds = {{3, pipe.write_end.get()}, {4, pipe.read_end.get()}};
  for (const size_t count : {0U, 1U, 2U}) {
    const Words words = running.words({"--preserve-fds", std::to_string(count)}, {"/bin/probe", "facts"});
    CHECK(facts_of(running.spawn(words, options).wait())["open_fds"].size() == 3 + count);
  }
}

TEST_CASE("rootless: exec --tty in the foreground", "[rootless][exec][console]") {
  NEEDS_USER();
  for (const std::string& ranges : grants()) {
    Bundle bundle;
    RunningOfUser running(bundle, ranges);
    Terminal terminal;
    REQUIRE(fchown(terminal.slave.get(), user, user) == 0);
    Child child = running.spawn(
        running.words({"--tty"}, {"/bin/sh", "-c", "tty; stty size; read line; echo got $line; exit 9"}),
        terminal.options);
    const std::string seen = read_until(terminal.master.get(), "30 90\r\n");
    CHECK(contains(seen, "/dev/pts/"));
    terminal.type("word\n");
    read_until(terminal.master.get(), "got word\r\n");
    CHECK(child.wait().status == 9);
  }
}

TEST_CASE("rootless: exec --detach --tty and the console socket", "[rootless][exec][console]") {
  NEEDS_USER();
  Bundle bundle;
  RunningOfUser running(bundle);
  DescriptorSocket socket(bundle.scratch() / "console.sock");
  fs::permissions(socket.path, fs::perms::all);
  REQUIRE_OK(
      running.exec({"--detach", "--tty", "--console-socket", socket.path, "--pid-file", running.pid_file()},
                   {"/bin/sh", "-c", "tty; read line"}));
  const Fd master = socket.receive();
  CHECK(contains(read_until(master.get(), "\r\n"), "/dev/pts/"));
  REQUIRE(write(master.get(), "\n", 1) == 1);
  CHECK(wait_and_reap(std::stoi(read_file(running.pid_file()))) == 0);
}

TEST_CASE("rootless: root of the host execs into the user's container", "[rootless][exec]") {
  NEEDS_USER();
  for (const std::string& ranges : grants()) {
    Bundle bundle;
    RunningOfUser running(bundle, ranges);
    const json facts = facts_of(running.exec_by_root({}, {"/bin/probe", "facts"}));
    check_same_namespaces(facts, running.pid());
    CHECK(facts["uids"] == json({0, 0, 0}));
    CHECK(facts["ppid"] == 0);
    CHECK(running.exec_by_root({}, {"/bin/sh", "-c", "exit 7"}).status == 7);
    const Result unmapped = running.exec_by_root({"--user", "70000"}, {"/bin/true"});
    CHECK(unmapped.status == 255);
    CHECK(contains(error_message(unmapped), "uid 70000 is not mapped"));
    REQUIRE_OK(running.exec_by_root({"--detach", "--pid-file", running.pid_file()}, {"/bin/sleep", "1000"}));
    const pid_t pid = std::stoi(read_file(running.pid_file()));
    struct stat process {};
    REQUIRE(stat(("/proc/" + std::to_string(pid)).c_str(), &process) == 0);
    CHECK(process.st_uid == user);  // nothing of root's runs inside
    end(pid);
  }
}

TEST_CASE("rootless: exec of root of an existing user namespace, and of its owner",
          "[rootless][exec][userns]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  SECTION("a container that has none of its own") {}
  SECTION("a container with one") {
    bundle.add_namespace("user");
    bundle.config["linux"]["uidMappings"] = bundle.config["linux"]["gidMappings"] =
        json::array({{{"containerID", 0}, {"hostID", 0}, {"size", 1}}});
    json& options = bundle.find_mount("/dev/pts")->at("options");
    options = {"newinstance", "ptmxmode=0666", "mode=0620"};
  }
  bundle.save();
  const Path ready = container.runtime_directory() / "ready";
  const std::string show = "readlink /proc/self/ns/user; readlink /proc/self/ns/pid";
  const std::string script =
      "$1 create --bundle $2 $3 </dev/null && $1 start $3 && $1 exec $3 /bin/sh -c 'exit 7'; echo $?;"
      "$1 exec $3 /bin/sh -c \"$4\"; $1 exec --user 5 $3 /bin/true; echo $?;"
      "echo ready >" +
      ready.string() + "; read line; $1 delete --force $3";
  const Pipe input = make_pipe();
  RunOptions options;
  options.env = container.environment();
  options.fds = {{0, input.read_end.get()}};
  Child inside(container.argv({"unshare", "--user", "--map-root-user", "sh", "-c", script, "sh",
                               runtime_path(), bundle.path(), container.id(), show}),
               options);
  wait_for_file(ready);
  const Result outside = container.ocx({"exec", container.id(), "/bin/sh", "-c", show});
  const pid_t pid = container.state().at("pid").get<pid_t>();
  const std::string process = "/proc/" + std::to_string(pid) + "/ns/";
  const std::string wanted =
      fs::read_symlink(process + "user").string() + "\n" + fs::read_symlink(process + "pid").string() + "\n";
  REQUIRE(write(input.write_end.get(), "\n", 1) == 1);
  const Result result = inside.wait();
  INFO(result.describe());
  CHECK(result.out == "7\n" + wanted + "255\n");
  CHECK(contains(result.err, "uid 5 is not mapped"));
  wait_and_reap(pid);
  REQUIRE_OK(outside);
  CHECK(outside.out == wanted);
}

TEST_CASE("rootless: exec without a pid namespace needs no process in between", "[rootless][exec]") {
  NEEDS_USER();
  Bundle bundle;
  bundle.remove_namespace("pid");
  bundle.remove_mount("/proc");
  bundle.add_mount({{"destination", "/proc"}, {"type", "bind"}, {"source", "/proc"}, {"options", {"rbind"}}});
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  RunningOfUser running(bundle);
  const json facts = facts_of(running.exec({}, {"/bin/probe", "facts"}));
  check_same_namespaces(facts, running.pid());
  CHECK(facts["uids"] == json({0, 0, 0}));
  CHECK(running.shell("exit 7").status == 7);
}

TEST_CASE("rootless: any step of exec that fails is an error that leaves nothing",
          "[rootless][exec][fault]") {
  NEEDS_USER();
  Bundle bundle;
  RunningOfUser running(bundle);
  for (const char* place : {"build:0", "enter:0", "enter:3", "enter:6"}) {
    INFO(place);
    const Words words = running.words({"--pid-file", running.pid_file()}, {"/bin/touch", "/tmp/ran"});
    const Words fail{"env", std::string("OCX_TEST_FAIL_AT=") + place};
    const Result result = running.ocx(words, fail);
    CHECK(result.status == 255);
    CHECK(contains(error_message(result), "failure asked for before"));
    CHECK_FALSE(fs::exists(bundle.rootfs() / "tmp/ran"));
    CHECK_FALSE(fs::exists(running.pid_file()));
  }
  CHECK(adopted_children() == std::vector<pid_t>{running.pid()});
}
