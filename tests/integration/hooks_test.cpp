// Hooks (config.md, "POSIX-platform Hooks"): when, where, with what, and what a failure does.
#include <catch2/catch.hpp>
#include <signal.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char* poststart_differs = "runc runs poststart hooks in create (fixed in 2026)";

// A bundle whose hooks log to one file, seen at the same path on the host and in the container.
struct Logged {
  Bundle bundle;
  Container container{bundle};
  Path log() const { return bundle.scratch() / "log"; }

  Logged() {
    std::filesystem::create_directories(bundle.rootfs().string() + bundle.scratch().string());
    bundle.add_mount({{"destination", bundle.scratch()},
                      {"type", "bind"},
                      {"source", bundle.scratch()},
                      {"options", {"bind", "rw"}}});
  }
  json hook(const std::string& kind, const std::string& name, int failure = 0) const {
    std::string path = kind == "startContainer" ? "/bin/probe" : host_probe().string();
    json args = {"probe", "hook", log(), name};
    if (failure != 0) args.push_back(std::to_string(failure));
    return {{"path", path}, {"args", args}, {"env", {"HOOK=" + name}}};
  }
  json& add(const std::string& kind, const std::string& name, int failure = 0) {
    json& list = bundle.config["hooks"][kind];
    list.push_back(hook(kind, name, failure));
    return list.back();
  }
  std::vector<json> records() const {
    std::vector<json> list;
    for (const std::string& line : lines(read_file(log()))) list.push_back(parse_json(line));
    return list;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const json& record : records()) list.push_back(record["name"]);
    return list;
  }
  json record(const std::string& name) const {
    for (json& entry : records())
      if (entry["name"] == name) return entry;
    FAIL("hook " << name << " did not run");
    return {};
  }
  json state_of(const std::string& name) const {
    return parse_json(record(name)["stdin"].get<std::string>());
  }
  void whole_life() {
    json& words = bundle.process()["args"];
    if (words[1] == "pause") words = {"/bin/probe", "exit", "0"};
    container.output();
    REQUIRE_OK(container.remove());
  }
};

using Names = std::vector<std::string>;

std::string host_namespace(const std::string& type, pid_t pid = getpid()) {
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + type);
}

}  // namespace

TEST_CASE("all kinds run, in the order of the lists and of the life of the container", "[hooks]") {
  Logged test;
  for (const char* kind : {"poststop", "startContainer", "createContainer", "createRuntime", "prestart"})
    for (const char* number : {"1", "2"}) test.add(kind, std::string(kind) + number);
  test.bundle.args({"/bin/probe", "hook", test.log(), "payload"});
  test.whole_life();
  CHECK(test.names() == Names{"prestart1", "prestart2", "createRuntime1", "createRuntime2",
                              "createContainer1", "createContainer2", "startContainer1", "startContainer2",
                              "payload", "poststop1", "poststop2"});
}

TEST_CASE("create returns after the create hooks, before the start hooks", "[hooks]") {
  Logged test;
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"})
    test.add(kind, kind);
  REQUIRE_OK(test.container.create());
  CHECK(test.names() == Names{"prestart", "createRuntime", "createContainer"});
  REQUIRE_OK(test.container.start());
  wait_for_lines(test.log(), 4);
  CHECK(test.names().back() == "startContainer");
  REQUIRE_OK(test.container.force_delete());
  CHECK(test.names().back() == "poststop");
}

TEST_CASE("poststart runs in start, after the program's exec and before start returns", "[hooks]") {
  ONLY_OCX(poststart_differs);
  Logged test;
  test.add("poststart", "first");
  test.add("poststart", "second");
  REQUIRE_OK(test.container.create());
  CHECK(test.names().empty());
  REQUIRE_OK(test.container.start());
  CHECK(test.names() == Names{"first", "second"});
  json state = test.state_of("first");
  CHECK(state["status"] == "running");
  CHECK(state["pid"] == test.container.pid());
}

TEST_CASE("each kind gets the state on stdin as it has to see it", "[hooks][contract]") {
  Logged test;
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"})
    test.add(kind, kind);
  test.bundle.config["annotations"] = {{"org.example.key", "value"}};
  REQUIRE_OK(test.container.create());
  pid_t pid = test.container.pid();
  REQUIRE_OK(test.container.start());
  wait_for_lines(test.log(), 4);
  REQUIRE_OK(test.container.force_delete());
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"}) {
    INFO(kind);
    json state = test.state_of(kind);
    INFO(state.dump());
    CHECK(state["id"] == test.container.id());
    CHECK(state["bundle"] == test.bundle.path().string());
    CHECK(state["annotations"]["org.example.key"] == "value");
    CHECK(state["ociVersion"].get<std::string>().rfind("1.", 0) == 0);
  }
  for (const char* kind : {"prestart", "createRuntime"}) {
    CHECK(test.state_of(kind)["pid"] == pid);
    CHECK(test.state_of(kind)["status"] == "creating");
  }
  CHECK(test.state_of("createContainer")["pid"] == 1);
  CHECK(test.state_of("startContainer")["pid"] == 1);
  CHECK(test.state_of("startContainer")["status"] == "created");
  CHECK(test.state_of("poststop")["status"] == "stopped");
}

TEST_CASE("the hook's environment is exactly its own", "[hooks]") {
  Logged test;
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"})
    test.add(kind, kind);
  test.whole_life();
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"}) {
    INFO(kind);
    CHECK(test.record(kind)["facts"]["env"] == json({std::string("HOOK=") + kind}));
  }
}

TEST_CASE("without env a hook of the runtime has an empty environment", "[hooks]") {
  ONLY_OCX("runc 1.1 passes its own environment on");
  Logged test;
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "poststop"})
    test.add(kind, kind).erase("env");
  test.whole_life();
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "poststop"}) {
    INFO(kind);
    CHECK(test.record(kind)["facts"]["env"].empty());
  }
}

TEST_CASE("a startContainer hook without env has the process's", "[hooks]") {
  Logged test;
  test.add("startContainer", "inherits").erase("env");
  test.bundle.process()["env"].push_back("MINE=1");
  test.whole_life();
  auto env = test.record("inherits")["facts"]["env"].get<Names>();
  CHECK(std::count(env.begin(), env.end(), "MINE=1") == 1);
}

TEST_CASE("hooks run in the namespaces and the directory of their kind", "[hooks][contract]") {
  Logged test;
  for (const char* kind : {"prestart", "createRuntime", "createContainer", "startContainer", "poststop"})
    test.add(kind, kind);
  REQUIRE_OK(test.container.create());
  std::string container_mounts = host_namespace("mnt", test.container.pid());
  std::string container_pids = host_namespace("pid", test.container.pid());
  REQUIRE_OK(test.container.start());
  wait_for_lines(test.log(), 4);
  REQUIRE_OK(test.container.force_delete());
  for (const char* kind : {"prestart", "createRuntime", "poststop"}) {
    INFO(kind);
    json facts = test.record(kind)["facts"];
    CHECK(facts["namespaces"]["mnt"] == host_namespace("mnt"));
    CHECK(facts["namespaces"]["pid"] == host_namespace("pid"));
    if (runtime_is_ocx()) CHECK(facts["cwd"] == test.bundle.path().string());
  }
  json before_pivot = test.record("createContainer")["facts"];
  CHECK(before_pivot["namespaces"]["mnt"] == container_mounts);
  CHECK(before_pivot["cwd"] == test.bundle.rootfs().string());
  CHECK(before_pivot["pid"] != 1);
  json inside = test.record("startContainer")["facts"];
  CHECK(inside["namespaces"]["mnt"] == container_mounts);
  CHECK(inside["namespaces"]["pid"] == container_pids);
  CHECK(inside["cwd"] == "/");
}

TEST_CASE("createContainer hooks find the mounts made", "[hooks]") {
  Logged test;
  test.bundle.config["hooks"]["createContainer"] =
      json::array({{{"path", "/bin/sh"},
                    {"args",
                     {"sh", "-c",
                      "grep -c ' " + test.bundle.rootfs().string() + "/dev/shm ' /proc/self/mountinfo > " +
                          test.log().string()}},
                    {"env", {"PATH=/usr/bin:/bin"}}}});
  test.whole_life();
  // Through whichever proc the hook sees; what counts is that the hook ran with the mount there.
  CHECK(read_file(test.log()) == "1\n");
}

TEST_CASE("a hook without args has its path as argv[0]", "[hooks]") {
  Logged test;
  Path script = test.bundle.scratch() / "script";
  write_file(script, "#!/bin/sh\necho \"$0 $#\" > " + test.log().string() + "\n", 0755);
  test.bundle.config["hooks"]["createRuntime"] = json::array({{{"path", script}}});
  test.whole_life();
  CHECK(read_file(test.log()) == script.string() + " 0\n");
}

TEST_CASE("a hook path below /proc works", "[hooks]") {
  Logged test;
  Child holder({host_probe(), "pause"}, {});
  // The exec has happened once the link says so.
  std::string path = "/proc/" + std::to_string(holder.pid()) + "/exe";
  while (std::filesystem::read_symlink(path) != host_probe()) REQUIRE_FALSE(holder.ended());
  test.add("createRuntime", "through proc")["path"] = path;
  test.whole_life();
  CHECK(test.names() == Names{"through proc"});
}

TEST_CASE("a hook that does not read its stdin is no failure", "[hooks]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  for (int i = 0; i < 200; ++i)
    bundle.config["annotations"]["org.example.key" + std::to_string(i)] = std::string(1000, 'x');
  for (const char* kind : {"createRuntime", "createContainer", "startContainer", "poststop"})
    bundle.config["hooks"][kind] =
        json::array({{{"path", std::string(kind) == "startContainer" ? "/bin/true" : "/usr/bin/true"}}});
  Container container(bundle);
  container.output();
  REQUIRE_OK(container.remove());
}

TEST_CASE("what hooks print does not mix with the runtime's output", "[hooks]") {
  Bundle bundle;
  for (const char* kind : {"createRuntime", "createContainer", "poststop"})
    bundle.config["hooks"][kind] = json::array({{{"path", "/bin/echo"}, {"args", {"echo", "noise"}}}});
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(created.out.empty());
  CHECK(created.err.empty());
  Result deleted = container.force_delete();
  CHECK(deleted.out.empty());
  CHECK(deleted.err.empty());
}

TEST_CASE("a failing create hook fails create, ends the list and leaves nothing", "[hooks][contract]") {
  for (const char* kind : {"prestart", "createRuntime", "createContainer"}) {
    INFO(kind);
    Logged test;
    test.add(kind, "one");
    test.add(kind, "two", 42);
    test.add(kind, "three");
    test.bundle.shell("echo ran > /ran");
    Result result = test.container.create();
    std::string message = error_message(result);
    INFO(message);
    CHECK(contains(message, "hook #1"));
    CHECK(contains(message, "exit status 42"));
    CHECK(contains(message, "hook two fails on purpose"));
    if (runtime_is_ocx()) CHECK(contains(message, std::string("/hooks/") + kind + "/1"));
    CHECK(test.names() == Names{"one", "two"});
    CHECK_FALSE(std::filesystem::exists(test.bundle.rootfs() / "ran"));
    CHECK(test.container.leftovers().empty());
    CHECK(test.container.state().status != 0);
  }
}

TEST_CASE("poststop hooks run after a failed create hook", "[hooks]") {
  ONLY_OCX("runc runs none");
  Logged test;
  test.add("createRuntime", "fails", 1);
  test.add("poststop", "after");
  CHECK(test.container.create().status == 1);
  CHECK(test.names() == Names{"fails", "after"});
}

TEST_CASE("a failing startContainer hook fails start and destroys the container", "[hooks]") {
  ONLY_OCX("runc's start has returned by then");
  Logged test;
  test.add("startContainer", "one");
  test.add("startContainer", "two", 3);
  test.add("startContainer", "three");
  test.add("poststop", "after");
  test.bundle.shell("echo ran > /ran");
  REQUIRE_OK(test.container.create());
  std::string message = error_message(test.container.start());
  CHECK(contains(message, "hook #1"));
  CHECK(contains(message, "exit status 3"));
  test.container.wait_exit();
  CHECK(test.names() == Names{"one", "two", "after"});
  CHECK_FALSE(std::filesystem::exists(test.bundle.rootfs() / "ran"));
  CHECK(test.container.leftovers().empty());
}

TEST_CASE("a failing poststart hook fails start and destroys the container", "[hooks]") {
  ONLY_OCX(poststart_differs);
  Logged test;
  test.add("poststart", "one", 3);
  test.add("poststart", "two");
  test.add("poststop", "after");
  REQUIRE_OK(test.container.create());
  std::string message = error_message(test.container.start());
  CHECK(contains(message, "poststart hook #0"));
  CHECK(test.container.wait_exit() == 128 + SIGKILL);
  CHECK(test.names() == Names{"one", "after"});
  CHECK(test.container.leftovers().empty());
}

TEST_CASE("a failing poststop hook is a warning and the rest still run", "[hooks][contract]") {
  ONLY_OCX("runc stops at the first");
  Logged test;
  test.add("poststop", "one", 3);
  test.add("poststop", "two");
  test.bundle.args({"/bin/probe", "exit", "0"});
  test.container.output();
  Result result = test.container.remove();
  REQUIRE_OK(result);
  CHECK(contains(result.err, "warning"));
  CHECK(contains(result.err, "exit status 3"));
  CHECK(test.names() == Names{"one", "two"});
  CHECK(test.container.leftovers().empty());
}

TEST_CASE("a hook that takes longer than its timeout is ended and counts as failed", "[hooks]") {
  for (const char* kind : {"createRuntime", "createContainer"}) {
    INFO(kind);
    Logged test;
    test.bundle.config["hooks"][kind] =
        json::array({{{"path", host_probe()}, {"args", {"probe", "block", test.log()}}, {"timeout", 1}}});
    Result result = test.container.create();
    CHECK(error_message(result).size() > 0);
    if (runtime_is_ocx()) CHECK(contains(result.err, "time"));
    CHECK(contains(read_file(test.log()), "pid "));
    CHECK(test.container.leftovers().empty());
  }
}

TEST_CASE("a hook program that does not exist fails create by name", "[hooks]") {
  Bundle bundle;
  bundle.config["hooks"]["createRuntime"] = json::array({{{"path", "/absent/hook"}}});
  Container container(bundle);
  std::string message = error_message(container.create());
  CHECK(contains(message, "/absent/hook"));
  CHECK(contains(message, "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a hook's path has to be absolute and its timeout positive", "[hooks]") {
  ONLY_OCX("runc finds out late or not at all");
  Bundle bundle;
  std::string where;
  SECTION("path") {
    bundle.config["hooks"]["poststop"] = json::array({{{"path", "relative"}}});
    where = "/hooks/poststop/0/path";
  }
  SECTION("timeout") {
    bundle.config["hooks"]["poststop"] = json::array({{{"path", "/bin/true"}, {"timeout", 0}}});
    where = "/hooks/poststop/0/timeout";
  }
  Container container(bundle);
  CHECK(contains(error_message(container.create()), where));
  CHECK(container.leftovers().empty());
}
