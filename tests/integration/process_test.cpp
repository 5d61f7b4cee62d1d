// process.*: the payload's identity, limits, capabilities, environment and directory.
#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

bool has_resource_capability() {
  for (const std::string& line : lines(read_file("/proc/self/status")))
    if (line.rfind("CapEff:", 0) == 0) return (std::stoull(line.substr(8), nullptr, 16) >> 24 & 1) != 0;
  return false;
}

void refused(Bundle& bundle, const std::string& text) {
  Container container(bundle);
  std::string message = error_message(container.create());
  INFO(message);
  CHECK(contains(message, text));
  CHECK(container.leftovers().empty());
}

long count(const json& list, const std::string& text) {
  return std::count(list.begin(), list.end(), json(text));
}

unsigned long long mask_of(const json& facts, const char* set) {
  return std::stoull(facts["status"][set].get<std::string>(), nullptr, 16);
}

}  // namespace

TEST_CASE("user, groups and umask", "[process]") {
  Bundle bundle;
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {5, 10, 10}}, {"umask", 027}};
  json facts = payload_facts(bundle);
  CHECK(facts["uids"] == json({1000, 1000, 1000}));
  CHECK(facts["gids"] == json({1001, 1001, 1001}));
  CHECK(count(facts["groups"], "") == 0);
  CHECK(std::count(facts["groups"].begin(), facts["groups"].end(), json(5)) == 1);
  CHECK(std::count(facts["groups"].begin(), facts["groups"].end(), json(10)) >= 1);
  CHECK(facts["umask"] == 027);
}

TEST_CASE("root has no supplementary groups of the caller's and umask 022", "[process]") {
  mode_t before = umask(077);
  Bundle bundle;
  json facts = payload_facts(bundle);
  umask(before);
  CHECK(facts["groups"].empty());
  CHECK(facts["umask"] == 022);
}

TEST_CASE("numeric ids are never looked up by name", "[process]") {
  Bundle bundle;
  write_file(bundle.rootfs() / "etc/passwd", "1000:x:0:0::/:/bin/sh\nroot:x:0:0::/root:/bin/sh\n");
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  CHECK(payload_facts(bundle)["uids"] == json({1000, 1000, 1000}));
}

TEST_CASE("environment as given; HOME from the container's passwd when absent", "[process]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/bin", "EMPTY=", "SPACE=a b=c"};
  struct Case {
    int uid;
    const char* home;
  };
  for (const Case& item : {Case{0, "HOME=/root"}, {1000, "HOME=/home"}, {4242, "HOME=/"}}) {
    INFO(item.uid);
    bundle.process()["user"] = {{"uid", item.uid}, {"gid", 0}};
    json env = payload_facts(bundle)["env"];
    CHECK(env.size() == 4);
    CHECK(count(env, "PATH=/bin") == 1);
    CHECK(count(env, "EMPTY=") == 1);
    CHECK(count(env, "SPACE=a b=c") == 1);
    CHECK(count(env, item.home) == 1);
  }
  bundle.process()["env"].push_back("HOME=/given");
  json env = payload_facts(bundle)["env"];
  CHECK(count(env, "HOME=/given") == 1);
  CHECK(env.size() == 4);
}

TEST_CASE("of a repeated variable the last counts", "[process]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/bin", "TWICE=1", "TWICE=2"};
  bundle.shell("echo $TWICE");
  Container container(bundle);
  CHECK(container.output() == "2\n");
}

TEST_CASE("nothing of the caller's environment reaches the payload", "[process]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  RunOptions options;
  options.add_env = {"LEAKED=1", "XDG_RUNTIME_DIR=/run/x"};
  Result created = container.create({}, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  json env = parse_json(created.out_now())["env"];
  CHECK(env.size() == 3);  // PATH, TERM, HOME
}

TEST_CASE("the program is looked up in the payload's PATH", "[process]") {
  Bundle bundle;
  bundle.process()["env"] = {"PATH=/nowhere:/opt/bin"};
  std::filesystem::create_directories(bundle.rootfs() / "opt/bin");
  std::filesystem::create_symlink("/bin/busybox", bundle.rootfs() / "opt/bin/echo");
  bundle.args({"echo", "found"});
  Container container(bundle);
  CHECK(container.output() == "found\n");
}

TEST_CASE("the working directory: absolute, made when missing, entered", "[process]") {
  Bundle bundle;
  bundle.process()["cwd"] = "/made/for/me";
  CHECK(payload_facts(bundle)["cwd"] == "/made/for/me");
  CHECK((std::filesystem::status(bundle.rootfs() / "made").permissions() & std::filesystem::perms::mask) ==
        std::filesystem::perms(0755));
}

TEST_CASE("a working directory only the payload's user may enter", "[process]") {
  Bundle bundle;
  Path own = bundle.rootfs() / "own";
  std::filesystem::create_directory(own);
  REQUIRE(chown(own.c_str(), 1000, 1000) == 0);
  REQUIRE(chmod(own.c_str(), 0700) == 0);
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  bundle.process()["cwd"] = "/own";
  CHECK(payload_facts(bundle)["cwd"] == "/own");
}

TEST_CASE("a working directory that is a file fails", "[process]") {
  Bundle bundle;
  bundle.process()["cwd"] = "/etc/passwd";
  refused(bundle, "not a directory");
}

TEST_CASE("resource limits become exactly what is asked", "[process]") {
#ifdef __SANITIZE_ADDRESS__
  SKIP_TEST("AddressSanitizer's init can't live with a limited address space");
#endif
  Bundle bundle;
  json list = json::array();
  std::map<std::string, std::pair<unsigned long long, unsigned long long>> wanted = {
      {"RLIMIT_CORE", {0, 0}},
      {"RLIMIT_CPU", {1000, 2000}},
      {"RLIMIT_DATA", {1ULL << 33, 1ULL << 34}},
      {"RLIMIT_FSIZE", {1ULL << 40, 1ULL << 41}},
      {"RLIMIT_NOFILE", {512, 1024}},
      {"RLIMIT_NPROC", {900, 1000}},
      {"RLIMIT_STACK", {4 << 20, 8 << 20}},
      {"RLIMIT_AS", {1ULL << 42, 1ULL << 43}},
      {"RLIMIT_SIGPENDING", {50, 60}},
      {"RLIMIT_MSGQUEUE", {1000, 2000}},
      {"RLIMIT_NICE", {0, 0}},
      {"RLIMIT_RTPRIO", {0, 0}},
      {"RLIMIT_MEMLOCK", {4096, 8192}},
      {"RLIMIT_RTTIME", {1000, 2000}},
      {"RLIMIT_LOCKS", {10, 20}},
      {"RLIMIT_RSS", {1ULL << 30, 1ULL << 31}}};
  for (const auto& [name, limit] : wanted)
    list.push_back({{"type", name}, {"soft", limit.first}, {"hard", limit.second}});
  bundle.process()["rlimits"] = list;
  json facts = payload_facts(bundle);
  for (const auto& [name, limit] : wanted) {
    INFO(name);
    CHECK(facts["rlimits"][name] == json({limit.first, limit.second}));
  }
}

TEST_CASE("limits not mentioned are inherited", "[process]") {
  Bundle bundle;
  bundle.process()["rlimits"] = json::array();
  struct rlimit own {};
  REQUIRE(getrlimit(RLIMIT_CORE, &own) == 0);
  json limits = payload_facts(bundle)["rlimits"];
  CHECK(limits["RLIMIT_CORE"] == json({own.rlim_cur, own.rlim_max}));
  REQUIRE(getrlimit(RLIMIT_NOFILE, &own) == 0);
  CHECK(limits["RLIMIT_NOFILE"] == json({own.rlim_cur, own.rlim_max}));
}

TEST_CASE("a limit nobody can have fails and is named", "[process]") {
  Bundle bundle;
  bundle.process()["rlimits"] =
      json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", ULLONG_MAX}, {"hard", ULLONG_MAX}}});
  Container container(bundle);
  std::string message = error_message(container.create());
  CHECK(contains(message, "operation not permitted"));
  if (runtime_is_ocx()) {
    CHECK(contains(message, "RLIMIT_NOFILE"));
    CHECK(contains(message, "/process/rlimits/0"));
  }
  CHECK(container.leftovers().empty());
}

TEST_CASE("an unknown or repeated limit is refused", "[process]") {
  Bundle bundle;
  json& list = bundle.process()["rlimits"];
  SECTION("unknown") {
    list[0]["type"] = "RLIMIT_BOGUS";
    refused(bundle, "RLIMIT_BOGUS");
  }
  SECTION("repeated") {
    ONLY_OCX("runc 1.1 takes the last");
    list.push_back(list[0]);
    refused(bundle, "/process/rlimits/1");
  }
}

TEST_CASE("no new privileges", "[process]") {
  Bundle bundle;
  for (bool wanted : {true, false}) {
    bundle.process()["noNewPrivileges"] = wanted;
    CHECK(payload_facts(bundle)["no_new_privs"] == (wanted ? 1 : 0));
  }
}

TEST_CASE("oom_score_adj is set, or not touched", "[process]") {
  Bundle bundle;
  json own = std::stoi(read_file("/proc/self/oom_score_adj"));
  CHECK(payload_facts(bundle)["oom_score_adj"] == own);
  int wanted = 100 + getpid() % 800;
  bundle.process()["oomScoreAdj"] = wanted;
  CHECK(payload_facts(bundle)["oom_score_adj"] == wanted);
}

TEST_CASE("an oom_score_adj that needs CAP_SYS_RESOURCE fails by name", "[process]") {
  Bundle bundle;
  bundle.process()["oomScoreAdj"] = -900;
  bundle.save();
  Container container(bundle);
  std::vector<std::string> command{"/bin/setpriv", "--bounding-set", "-sys_resource"};
  for (const std::string& word : container.create_argv()) command.push_back(word);
  Result result = run(command);
  CHECK(result.status == 1);
  CHECK(contains(result.err, "oom_score_adj"));
  if (runtime_is_ocx()) CHECK(contains(error_message(result), "/process/oomScoreAdj"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a lower oom_score_adj", "[process]") {
  if (!has_resource_capability()) SKIP_TEST("no CAP_SYS_RESOURCE");
  Bundle bundle;
  bundle.process()["oomScoreAdj"] = -500;
  CHECK(payload_facts(bundle)["oom_score_adj"] == -500);
}

// user-mode Linux knows no other personality.
TEST_CASE("personality", "[process][qemu]") {
  NOT_ON_RUNC("runc 1.1 ignores linux.personality");
  Bundle bundle;
  bundle.config["linux"]["personality"] = {{"domain", "LINUX32"}};
  CHECK(payload_facts(bundle)["machine"] == "i686");
  bundle.config["linux"]["personality"] = {{"domain", "LINUX"}};
  CHECK(payload_facts(bundle)["machine"] == "x86_64");
}

TEST_CASE("scheduler policies", "[process]") {
  NOT_ON_RUNC("runc 1.1 does not know process.scheduler");
  struct Case {
    const char* name;
    int policy, nice, priority;
    json flags;
  };
  for (const Case& item : {Case{"SCHED_OTHER", 0, 7, 0, {}},
                           {"SCHED_BATCH", 3, 5, 0, {}},
                           {"SCHED_IDLE", 5, 0, 0, {}},
                           {"SCHED_BATCH", 3, 2, 0, {"SCHED_FLAG_RESET_ON_FORK"}}}) {
    INFO(item.name);
    Bundle bundle;
    bundle.process()["scheduler"] = {{"policy", item.name}, {"nice", item.nice}};
    if (!item.flags.is_null()) bundle.process()["scheduler"]["flags"] = item.flags;
    json scheduler = payload_facts(bundle)["scheduler"];
    CHECK(scheduler["policy"] == item.policy);
    CHECK(scheduler["nice"] == item.nice);
    CHECK(scheduler["flags"] == (item.flags.is_null() ? 0 : 1));
  }
}

TEST_CASE("input/output priority classes", "[process]") {
  NOT_ON_RUNC("runc 1.1 does not know process.ioPriority");
  struct Case {
    const char* name;
    int number, priority;
  };
  for (const Case& item :
       {Case{"IOPRIO_CLASS_BE", 2, 3}, {"IOPRIO_CLASS_RT", 1, 6}, {"IOPRIO_CLASS_IDLE", 3, 0}}) {
    INFO(item.name);
    Bundle bundle;
    bundle.process()["ioPriority"] = {{"class", item.name}, {"priority", item.priority}};
    json facts = payload_facts(bundle);
    CHECK(facts["ioprio_class"] == item.number);
    CHECK(facts["ioprio_priority"] == item.priority);
  }
}

TEST_CASE("a session keyring of its own, unless --no-new-keyring", "[process][contract]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  Result own = container.run();
  REQUIRE_OK(own);
  CHECK(contains(parse_json(own.out)["keyring"].get<std::string>(), "_ses." + container.id()));
  Result kept = container.run({"--no-new-keyring"});
  REQUIRE_OK(kept);
  CHECK_FALSE(contains(parse_json(kept.out)["keyring"].get<std::string>(), "_ses." + container.id()));
}

TEST_CASE("the payload starts clean: signals, session, parent's death", "[process]") {
  Bundle bundle;
  json facts = payload_facts(bundle);
  CHECK(facts["pid"] == 1);
  CHECK(facts["sid"] == 1);
  CHECK(facts["pdeathsig"] == 0);
  CHECK(facts["dumpable"] == 1);
  CHECK(mask_of(facts, "SigBlk") == 0);
  CHECK(mask_of(facts, "SigIgn") == 0);
  CHECK(facts["exe"] == "/bin/probe");
}
