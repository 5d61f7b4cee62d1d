// `explain` and the words for steps: what is read before anything runs, and at the head of each step's error.
#include <catch2/catch.hpp>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "runtime/operations.hpp"
#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::describe;
namespace step = runtime::step;

namespace {

std::string explained(Bundle& bundle, bool as_json) {
  bundle.save();
  runtime::CreateRequest request;
  request.id = "box";
  request.bundle = bundle.path();
  runtime::Globals globals;
  globals.root = bundle.scratch() / "state";
  return runtime::explain(globals, request, as_json);
}

step::Mount make_mount(const std::string& type, const std::string& target, std::vector<std::string> options) {
  step::Mount mount;
  mount.type = type;
  mount.source = "/source";
  mount.target = target;
  mount.options = spec::parse_mount_options(options);
  if (mount.options.bind) mount.kind = step::Mount::Kind::bind;
  if (mount.options.remount) mount.kind = step::Mount::Kind::remount;
  return mount;
}

}  // namespace

TEST_CASE("every step can be said in words") {
  step::DeviceNode null;
  null.path = "/dev/null";
  null.device = makedev(1, 3);
  step::DeviceNode pipe;
  pipe.path = "/p";
  pipe.type = 'p';
  struct Row {
    runtime::InitAction action;
    std::vector<std::string> parts;
  };
  const Row rows[] = {{make_mount("tmpfs", "/dev", {"nosuid", "strictatime", "mode=755"}),
                       {"mount \"tmpfs\" on \"/dev\"", "nosuid", "strictatime", "mode=755"}},
                      {make_mount("bind", "/data", {"rbind", "ro", "rnosuid", "rslave"}),
                       {"bind \"/source\" on \"/data\"", "submounts", "ro", "rnosuid", "rslave"}},
                      {make_mount("", "/data", {"remount", "ro"}), {"remount \"/data\"", "ro"}},
                      {make_mount("tmpfs", "/t", {"tmpcopyup"}), {"copy"}},
                      {step::MakeDevice{null}, {"/dev/null", "char 1:3", "0666"}},
                      {step::MakeDevice{pipe}, {"FIFO", "/p"}},
                      {step::MakeLink{{"pts/ptmx", "/dev/ptmx", true}}, {"/dev/ptmx", "pts/ptmx"}},
                      {step::Sysctl{"net/x", "1"}, {"net/x", "1"}},
                      {step::SetHostname{"a\nb"}, {"a\\nb"}},
                      {step::JoinCgroup{true}, {"cgroup namespace"}},
                      {step::EnterRoot{step::RootMethod::pivot}, {"pivot_root"}},
                      {step::EnterRoot{step::RootMethod::chroot}, {"change root"}},
                      {step::RootPropagation{MS_SLAVE | MS_REC}, {"rslave"}},
                      {step::RootfsPropagation{MS_UNBINDABLE}, {"unbindable"}},
                      {step::SetReadOnly{"/"}, {"read-only"}},
                      {step::MaskedPath{"/proc/kcore"}, {"mask", "/proc/kcore"}},
                      {step::ReadonlyPath{"/proc/sys"}, {"read-only", "/proc/sys"}},
                      {step::SetUser{5, 6, {7, 8}, 022, true}, {"uid 5", "gid 6", "7, 8", "0022"}},
                      {step::DropBounding{1}, {"CAP_CHOWN"}},
                      {step::DropBounding{0}, {"none"}},
                      {step::FindExecutable{"sh", "/bin"}, {"sh"}},
                      {step::Personality{8}, {"LINUX32"}}};
  for (const Row& row : rows) {
    const std::string words = describe(row.action);
    INFO(words);
    CHECK(words.find('\n') == std::string::npos);
    for (const std::string& part : row.parts) CHECK_THAT(words, Catch::Contains(part));
  }
}

TEST_CASE("what the parent sets can be said in words") {
  CHECK_THAT(describe(runtime::ParentAction(step::OomScoreAdj{-5})), Catch::Contains("-5"));
  CHECK_THAT(describe(runtime::ParentAction(step::SetRlimit{RLIMIT_NOFILE, 5, ~0ULL})),
             Catch::Contains("RLIMIT_NOFILE") && Catch::Contains("5") && Catch::Contains("unlimited"));
}

TEST_CASE("explain names every setting's place and makes nothing") {
  Bundle bundle({"/bin/sh", "-c", "a b"});
  bundle.config["hooks"] = {{"prestart", {{{"path", "/hook/one"}, {"timeout", 5}}}},
                            {"poststop", {{{"path", "/hook/two"}}}}};
  bundle.config["linux"]["cgroupsPath"] = "/ocx/box";
  const std::string text = explained(bundle, false);
  INFO(text);
  for (const char* part :
       {"[/mounts/0]", "[/mounts/6]", "[/linux/maskedPaths/0]", "[/hooks/prestart/0]", "[/hooks/poststop/0]",
        "[/process/rlimits/0]", "[/linux/namespaces]", "[/linux/cgroupsPath]", "\"a b\"", "/hook/one",
        "at most 5 s",
        "make the devices every container gets in /dev: null, zero, full, random, urandom, tty"})
    CHECK_THAT(text, Catch::Contains(part));
  CHECK_FALSE(std::filesystem::exists(bundle.scratch() / "state"));
}

TEST_CASE("explain as JSON has the same steps") {
  Bundle bundle({"/bin/sh", "-c", "say \"x\"\n\x01"});
  const std::string text = explained(bundle, true);
  INFO(text);
  const json document = json::parse(text, nullptr, false);
  REQUIRE_FALSE(document.is_discarded());
  CHECK(document["bundle"] == bundle.path().string());
  std::vector<std::string> origins;
  for (const json& section : document["sections"])
    for (const json& step : section["steps"]) {
      origins.push_back(step["origin"]);
      CHECK_FALSE(step["action"].get<std::string>().empty());
      CHECK_FALSE(step["does"].get<std::string>().empty());
    }
  for (const char* origin : {"/mounts/0", "/root/path", "/process/args", "/linux/readonlyPaths/4"})
    CHECK(std::find(origins.begin(), origins.end(), origin) != origins.end());
}

TEST_CASE("explain tells every value that is going to be written into the cgroup") {
  Bundle bundle;
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 20}};
  bundle.config["linux"]["resources"]["hugepageLimits"] = {{{"pageSize", "2MB"}, {"limit", 4096}}};
  const std::string text = explained(bundle, false);
  INFO(text);
  for (const char* part :
       {"write \"20\" to pids.max: more processes and threads can't be made  [/linux/resources/pids/limit]",
        "write \"4096\" to hugetlb.2MB.", "if there is one", "[/linux/resources/hugepageLimits/0]"})
    CHECK_THAT(text, Catch::Contains(part));
  const json document = json::parse(explained(bundle, true));
  bool found = false;
  for (const json& section : document["sections"])
    for (const json& step : section["steps"])
      found = found || (step["action"] == "write-limit" && step["origin"] == "/linux/resources/pids/limit" &&
                        step["does"] == "write \"20\" to pids.max");
  CHECK(found);
}

TEST_CASE("explain refuses what create refuses, with its place") {
  Bundle bundle;
  bundle.config["linux"]["mountLabel"] = "x";
  try {
    explained(bundle, false);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.origin() == "/linux/mountLabel");
  }
}

TEST_CASE("explain of a configuration without a process says that start is refused") {
  Bundle bundle;
  bundle.config.erase("process");
  CHECK_THAT(explained(bundle, false), Catch::Contains("no process"));
}

TEST_CASE("explain tells things in the order in which they happen") {
  Bundle bundle;
  bundle.config["hooks"] = {{"prestart", {{{"path", "/one"}}}},
                            {"createContainer", {{{"path", "/two"}}}},
                            {"startContainer", {{{"path", "/three"}}}},
                            {"poststart", {{{"path", "/four"}}}},
                            {"poststop", {{{"path", "/five"}}}}};
  bundle.add_namespace("cgroup");
  const std::string text = explained(bundle, false);
  INFO(text);
  std::size_t last = 0;
  for (const char* part :
       {"make a cgroup", "make a new pid namespace", "clone init", "mount \"proc\" on \"/proc\"",
        "make a new cgroup namespace", "prestart hook", "createContainer hook", "pivot_root", "mask ",
        "find the program", "status \"created\"", "startContainer hook", "execute", "poststart hook",
        "remove the cgroup", "poststop hook"}) {
    INFO(part);
    const std::size_t place = text.find(part);
    REQUIRE(place != std::string::npos);
    CHECK(place > last);
    last = place;
  }
}

TEST_CASE("explain says what namespaces and mounts are for") {
  Bundle bundle;
  bundle.config["linux"]["namespaces"] = {
      {{"type", "mount"}}, {{"type", "pid"}}, {{"type", "network"}, {"path", "/run/netns/a"}}};
  bundle.config["linux"].erase("sysctl");
  bundle.config.erase("hostname");
  const std::string text = explained(bundle, false);
  INFO(text);
  for (const char* part :
       {"make a new mount namespace: what it mounts, the host does not see  [/linux/namespaces/0]",
        "make a new pid namespace: it sees only its own processes, counted from 1  [/linux/namespaces/1]",
        "join the network namespace \"/run/netns/a\"  [/linux/namespaces/2]",
        "on \"/dev/shm\" (nosuid, nodev, noexec, mode=1777, size=65536k): POSIX shared memory"})
    CHECK_THAT(text, Catch::Contains(part));
}

TEST_CASE("explain tells of listed devices apart from the default ones") {
  Bundle bundle;
  bundle.config["linux"]["devices"] = {
      {{"path", "/dev/fuse"}, {"type", "c"}, {"major", 10}, {"minor", 229}},
      {{"path", "/dev/null"}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"fileMode", 0600}}};
  const std::string text = explained(bundle, false);
  INFO(text);
  CHECK_THAT(text, Catch::Contains("make device \"/dev/fuse\" (char 10:229, mode 0666)  [/linux/devices/0]"));
  CHECK_THAT(text, Catch::Contains("make device \"/dev/null\" (char 1:3, mode 0600)  [/linux/devices/1]"));
  CHECK_THAT(text, Catch::Contains("every container gets in /dev: zero, full, random, urandom, tty"));
}
