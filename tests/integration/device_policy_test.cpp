// linux.resources.devices (config-linux.md, "Allowed Device list"): which nodes a container may use.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/cgroup.hpp"
#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

json rule(bool allow, const char* type, int major, int minor, const char* access) {
  json result = {{"allow", allow}, {"access", access}};
  if (*type != '\0') result["type"] = type;
  if (major >= 0) result["major"] = major;
  if (minor >= 0) result["minor"] = minor;
  return result;
}
const json deny_all = rule(false, "", -1, -1, "rwm"), allow_all = rule(true, "", -1, -1, "rwm");

/// Nodes in the container that its rules are about (fuse, two loop devices), whether there are such devices
/// or not.
void add_nodes(Bundle& bundle) {
  const auto add = [&](const char* path, const char* type, int major, int minor) {
    bundle.config["linux"]["devices"].push_back(
        {{"path", path}, {"type", type}, {"major", major}, {"minor", minor}, {"fileMode", 0666}});
  };
  add("/dev/char", "c", 10, 229);
  add("/dev/block0", "b", 7, 0);
  add("/dev/block1", "b", 7, 1);
}

json& rules_of(Bundle& bundle) {
  return bundle.config["linux"]["resources"]["devices"];
}

/// What opening each path gives: "denied" for EPERM, else "asked": whether there is such a device is not the
/// policy's answer.
std::string answers(Bundle& bundle, const std::vector<std::pair<const char*, const char*>>& attempts) {
  std::string result;
  std::vector<std::string> args = {"/bin/sh", "-c", ""};
  for (const auto& [action, path] : attempts)
    args[2] += std::string("/bin/probe try ") + action + " " + path + ";";
  bundle.args(args);
  for (const std::string& line : lines(Container(bundle).output()))
    result += line == "EPERM" ? "denied " : "asked ";
  return result;
}

/// Numbers of the device programs on a cgroup; -1 where there can be none.
std::vector<std::uint32_t> programs(const Path& directory) {
  const Fd cgroup(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::vector<std::uint32_t> ids(64);
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<std::uint32_t>(cgroup.get());
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
  attributes.query.prog_cnt = 64;
  REQUIRE(::syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof attributes) == 0);
  ids.resize(attributes.query.prog_cnt);
  return ids;
}

/// The policy in force, as the kernel shows it.
std::string policy(const Container& container) {
  if (!cgroup_v2()) return read_cgroup_file(container, "devices", "devices.list").value();
  std::string text;
  for (const std::uint32_t id : programs(cgroup_directory(container, "devices")))
    text += std::to_string(id) + " ";
  return text;
}

}  // namespace

TEST_CASE("a container may open the devices its rules allow, and the default ones", "[device_policy]") {
  struct Case {
    const char* name;
    std::vector<json> rules;
    const char* expected;  // null, char, block0 for reading, block0 for writing, block1
  };
  const Case cases[] = {
      {"none but the defaults", {deny_all}, "asked denied denied denied denied "},
      {"one of them", {deny_all, rule(true, "b", 7, 0, "rw")}, "asked denied asked asked denied "},
      {"for reading", {deny_all, rule(true, "b", 7, 0, "r")}, "asked denied asked denied denied "},
      {"one major number", {deny_all, rule(true, "b", 7, -1, "rwm")}, "asked denied asked asked asked "},
      {"both types", {deny_all, rule(true, "a", 10, 229, "r")}, "asked asked denied denied denied "},
      {"all but one", {allow_all, rule(false, "b", 7, 1, "rwm")}, "asked asked asked asked denied "},
      {"all but writing one", {allow_all, rule(false, "b", 7, 0, "w")}, "asked asked asked denied asked "},
      {"everything", {allow_all}, "asked asked asked asked asked "},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    Bundle bundle;
    add_nodes(bundle);
    rules_of(bundle) = item.rules;
    CHECK(answers(bundle, {{"open", "/dev/null"},
                           {"open", "/dev/char"},
                           {"open", "/dev/block0"},
                           {"write", "/dev/block0"},
                           {"open", "/dev/block1"}}) == item.expected);
  }
}

TEST_CASE("a part of a wildcard can be taken back", "[device_policy]") {
  ONLY_OCX("on cgroup v1 runc 1.1 reports success, and the rule is without effect");
  if (!cgroup_v2() && cgroup_mounts().count("") == 0) SKIP_TEST("cgroup v1 alone can't say it");
  Bundle bundle;
  add_nodes(bundle);
  rules_of(bundle) = {deny_all, rule(true, "b", -1, -1, "rwm"), rule(false, "b", 7, 1, "w")};
  CHECK(answers(bundle, {{"open", "/dev/null"},
                         {"open", "/dev/char"},
                         {"write", "/dev/block0"},
                         {"open", "/dev/block1"},
                         {"write", "/dev/block1"}}) == "asked denied asked asked denied ");
}

TEST_CASE("any node may be made, and is of no use", "[device_policy]") {
  Bundle bundle;
  bundle.capabilities({"CAP_MKNOD"});
  bundle.shell("mknod /dev/made b 7 0 && echo made; /bin/probe try open /dev/made");
  Container container(bundle);
  CHECK(container.output() == "made\nEPERM\n");
}

TEST_CASE("each container has a policy of its own", "[device_policy]") {
  Bundle open_bundle, closed_bundle;
  rules_of(open_bundle) = {deny_all, rule(true, "b", 7, 0, "r")};
  Container open(open_bundle), closed(closed_bundle);
  REQUIRE_OK(open.create());
  REQUIRE_OK(closed.create());
  CHECK(policy(open) != policy(closed));
  if (cgroup_v2()) return;
  CHECK(contains(policy(open), "b 7:0 r"));
  CHECK(!contains(policy(closed), "b 7:0 r"));
}

TEST_CASE("update leaves the device policy alone", "[device_policy][update]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  // What somebody else has granted meanwhile: a hook for GPUs does.
  if (!cgroup_v2()) write_file(cgroup_directory(container, "devices") / "devices.allow", "b 7:0 rw");
  const std::string before = policy(container);
  REQUIRE(!before.empty());
  REQUIRE_OK(container.command({"update", "--pids-limit", "50", container.id()}));
  CHECK(policy(container) == before);
  RunOptions resources;
  resources.input = R"({"devices": [{"allow": true, "access": "rwm"}], "pids": {"limit": 60}})";
  REQUIRE_OK(container.command({"update", "--resources", "-", container.id()}, resources));
  CHECK(policy(container) == before);
  CHECK(read_cgroup_file(container, "pids", "pids.max") == "60");
}

TEST_CASE("root of a user namespace can't write version 1's list, and does without",
          "[device_policy][userns][v1]") {
  ONLY_OCX("others have options of their own for it");
  Bundle bundle;
  bundle.config["linux"]["resources"]["devices"] = {
      {{"allow", false}, {"access", "rwm"}},
      {{"allow", true}, {"type", "c"}, {"major", 10}, {"minor", 229}, {"access", "rwm"}}};
  bundle.shell("echo ran >/dev/null && echo ran");
  bundle.save();
  Container container(bundle);
  const std::vector<std::string> words{
      "unshare",        "--user", "--map-root-user", runtime_path(), "--root",
      container.root(), "run",    "--bundle",        bundle.path(),  container.id()};
  const Result result = run(words);
  REQUIRE_OK(result);
  CHECK(result.out == "ran\n");
}
