// The promise of `ocx features`: what it lists, the runtime does. Each entry is used here, and an entry
// without a use fails. Whether the use does the right thing is what the topics' own tests look at.
#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <set>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

json features() {
  Result result = runtime({"features"});
  REQUIRE_OK(result);
  return parse_json(result.out);
}

using Names = std::set<std::string>;

Names names(const json& list) {
  return list.get<Names>();
}

/// config.md, "Linux mount options".
const Names options_of_specification{"async",         "atime",        "bind",
                                     "defaults",      "dev",          "diratime",
                                     "dirsync",       "exec",         "idmap",
                                     "iversion",      "lazytime",     "loud",
                                     "mand",          "noatime",      "nodev",
                                     "nodiratime",    "noexec",       "noiversion",
                                     "nolazytime",    "nomand",       "norelatime",
                                     "nostrictatime", "nosuid",       "nosymfollow",
                                     "private",       "ratime",       "rbind",
                                     "rdev",          "rdiratime",    "relatime",
                                     "remount",       "rexec",        "ridmap",
                                     "rnoatime",      "rnodev",       "rnodiratime",
                                     "rnoexec",       "rnorelatime",  "rnostrictatime",
                                     "rnosuid",       "rnosymfollow", "ro",
                                     "rprivate",      "rrelatime",    "rro",
                                     "rrw",           "rshared",      "rslave",
                                     "rstrictatime",  "rsuid",        "rsymfollow",
                                     "runbindable",   "rw",           "shared",
                                     "silent",        "slave",        "strictatime",
                                     "suid",          "symfollow",    "sync",
                                     "tmpcopyup",     "unbindable"};

/// Neither warned about nor refused.
void check_accepted(Bundle& bundle, const std::string& what) {
  INFO(what);
  Container container(bundle);
  Result result = container.run();
  CHECK(result.status == 0);
  CHECK(result.err.empty());
}

/// Something this kernel may lack: then the error says so, and is not about ocx.
void check_accepted_or_lacking(Bundle& bundle, const std::string& what, bool host_has_it,
                               const std::string& lacking) {
  if (host_has_it) return check_accepted(bundle, what);
  Container container(bundle);
  Result result = container.run();
  REQUIRE(result.status == 1);
  CHECK(contains(error_message(result), lacking));
  CHECK_FALSE(contains(result.err, "not supported by this version"));
}

bool is_data_free(const std::string& option) {
  return option == "rbind" || option == "bind" || option == "copy-symlink" || option == "idmap" ||
         option == "ridmap" || option == "src-nofollow" || option == "dest-nofollow" ||
         option.ends_with("private") || option.ends_with("slave") || option.ends_with("shared") ||
         option.ends_with("unbindable");
}

bool is_for_trees(const std::string& option) {
  static const Names trees{"ratime",       "rdev",         "rdiratime", "rexec",       "rnoatime",
                           "rnodev",       "rnodiratime",  "rnoexec",   "rnorelatime", "rnostrictatime",
                           "rnosuid",      "rnosymfollow", "rrelatime", "rro",         "rrw",
                           "rstrictatime", "rsuid",        "rsymfollow"};
  return trees.count(option) != 0;
}

/// A mount that this option is for.
json mount_with(const std::string& option, const Path& directory, const Path& link,
                const std::string& target) {
  if (option == "copy-symlink")
    return {{"destination", target}, {"type", "none"}, {"source", link}, {"options", {"bind", option}}};
  if (is_data_free(option) || is_for_trees(option)) {
    json mount = {
        {"destination", target}, {"type", "none"}, {"source", directory}, {"options", {"rbind", option}}};
    if (!option.ends_with("idmap")) return mount;
    mount["uidMappings"] = {{{"containerID", 0}, {"hostID", 5000}, {"size", 1000}}};
    mount["gidMappings"] = mount["uidMappings"];
    return mount;
  }
  return {{"destination", target}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {option}}};
}

/// A filter with one rule for a system call that nobody makes.
json filter(const json& rule) {
  json out = {{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", json::array({rule})}};
  out["syscalls"][0]["names"] = {"acct"};
  return out;
}

/// Takes what a filter's listener is sent to, and no notification ever comes.
struct Agent {
  explicit Agent(const Path& path) : socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket, 8) == 0);
  }
  ~Agent() { ::close(socket); }
  int socket;
};

}  // namespace

TEST_CASE("features: both versions are accepted in config.json", "[features]") {
  ONLY_OCX("the promise is ocx's");
  for (const char* which : {"ociVersionMin", "ociVersionMax"}) {
    Bundle bundle({"/bin/true"});
    bundle.config["ociVersion"] = features()[which];
    check_accepted(bundle, which);
  }
}

TEST_CASE("features: every hook kind is run", "[features][hooks]") {
  ONLY_OCX("the promise is ocx's");
  Bundle bundle({"/bin/true"});
  const Path log = bundle.scratch() / "log";
  bundle.add_mount({{"destination", log}, {"type", "none"}, {"source", log}, {"options", {"bind"}}});
  write_file(log, "");
  const Names kinds = names(features()["hooks"]);
  for (const std::string& kind : kinds) {
    const bool inside = kind == "startContainer";
    bundle.config["hooks"][kind] = {
        {{"path", inside ? "/bin/probe" : host_probe().string()}, {"args", {"probe", "hook", log, kind}}}};
  }
  check_accepted(bundle, "hooks");
  Names run;
  for (const std::string& line : lines(read_file(log)))
    run.insert(parse_json(line)["name"].get<std::string>());
  CHECK(run == kinds);
}

TEST_CASE("features: every mount option is executed", "[features][mount_options][contract]") {
  ONLY_OCX("the promise is ocx's");
  Bundle bundle({"/bin/true"});
  const Path directory = bundle.scratch() / "directory", link = bundle.scratch() / "link";
  std::filesystem::create_directory(directory);
  std::filesystem::create_symlink("elsewhere", link);
  for (const std::string& option : names(features()["mountOptions"])) {
    json mount = mount_with(option, directory, link, "/m/" + option);
    if (option == "remount") {
      mount["options"] = json::array();
      bundle.add_mount(mount);
      mount["options"] = {option, "ro"};
    }
    bundle.add_mount(mount);
  }
  check_accepted(bundle, "mount options");
  CHECK(std::filesystem::is_symlink(bundle.rootfs() / "m/copy-symlink"));
}

TEST_CASE("features: every namespace can be had", "[features][namespaces]") {
  ONLY_OCX("the promise is ocx's");
  Bundle bundle;
  bundle.config["linux"]["namespaces"] = json::array();
  for (const std::string& type : names(features()["linux"]["namespaces"]))
    if (type != "user") bundle.add_namespace(type);
  bundle.use_user_namespace();
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const char* file : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}) {
    const Path link = Path("/proc") / std::to_string(container.pid()) / "ns" / file;
    INFO(link);
    CHECK(std::filesystem::read_symlink(link) != std::filesystem::read_symlink(Path("/proc/self/ns") / file));
  }
  CHECK(features()["linux"]["namespaces"].size() == 8);
}

TEST_CASE("features: every capability is known", "[features][capabilities]") {
  ONLY_OCX("the promise is ocx's");
  Bundle bundle({"/bin/true"});
  bundle.capabilities(features()["linux"]["capabilities"].get<std::vector<std::string>>());
  Container container(bundle);
  Result result = container.run();
  REQUIRE_OK(result);
  CHECK_FALSE(contains(result.err, "unknown"));
}

TEST_CASE("features: the cgroup versions and managers are this runtime's", "[features][cgroup]") {
  ONLY_OCX("the promise is ocx's");
  const json cgroup = features()["linux"]["cgroup"];
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(cgroup.at(cgroup_v2() ? "v2" : "v1") == true);
  CHECK(read_cgroup_file(container, "pids", "cgroup.procs") == std::to_string(container.pid()));
  // What this host has not is used on one that has: tests/vm.
  for (const char* key : {"v1", "v2", "systemd", "systemdUser", "rdma"}) CHECK(cgroup.at(key) == true);
  CHECK(cgroup.size() == 5);
}

TEST_CASE("features: seccomp actions, operators, architectures, flags", "[features][seccomp]") {
  ONLY_OCX("the promise is ocx's");
  const json seccomp = features()["linux"]["seccomp"];
  CHECK(seccomp.at("enabled") == true);
  CHECK(seccomp.size() == 6);
  Bundle bundle({"/bin/true"});
  const Agent agent(bundle.scratch() / "agent");
  json& used = bundle.config["linux"]["seccomp"];
  for (const std::string& action : names(seccomp["actions"])) {
    used = filter({{"action", action}});
    if (action == "SCMP_ACT_ALLOW") used["defaultAction"] = "SCMP_ACT_LOG";
    if (action == "SCMP_ACT_NOTIFY") used["listenerPath"] = bundle.scratch() / "agent";
    check_accepted(bundle, action);
  }
  for (const std::string& op : names(seccomp["operators"])) {
    used = filter({{"action", "SCMP_ACT_ERRNO"},
                   {"args", {{{"index", 0}, {"value", 1}, {"valueTwo", 1}, {"op", op}}}}});
    check_accepted(bundle, op);
  }
  for (const std::string& architecture : names(seccomp["archs"])) {
    used = filter({{"action", "SCMP_ACT_ERRNO"}});
    used["architectures"] = {architecture};
    check_accepted(bundle, architecture);
  }
  CHECK(names(seccomp["supportedFlags"]) == names(seccomp["knownFlags"]));
  for (const std::string& flag : names(seccomp["supportedFlags"])) {
    used = filter({{"action", "SCMP_ACT_NOTIFY"}});
    used["listenerPath"] = bundle.scratch() / "agent";
    used["flags"] = {flag};
    check_accepted(bundle, flag);
  }
}

TEST_CASE("features: AppArmor and SELinux", "[features]") {
  ONLY_OCX("the promise is ocx's");
  const json linux_features = features()["linux"];
  CHECK(linux_features.at("apparmor") == json{{"enabled", true}});
  CHECK(linux_features.at("selinux") == json{{"enabled", true}});
  const bool apparmor = read_file("/sys/module/apparmor/parameters/enabled").starts_with("Y");
  Bundle confined({"/bin/true"});
  confined.process()["apparmorProfile"] = apparmor ? "unconfined" : "some-profile";
  check_accepted_or_lacking(confined, "apparmorProfile", apparmor, "AppArmor is not enabled");
  Bundle labelled({"/bin/true"});
  labelled.process()["selinuxLabel"] = "system_u:system_r:container_t:s0";
  check_accepted_or_lacking(labelled, "selinuxLabel", std::filesystem::exists("/sys/fs/selinux/enforce"),
                            "SELinux is not enabled");
}

TEST_CASE("features: every memory policy and flag", "[features][memory_policy]") {
  ONLY_OCX("the promise is ocx's");
  const json policy = features()["linux"]["memoryPolicy"];
  CHECK(policy.size() == 2);
  const bool numa = std::filesystem::exists("/proc/self/numa_maps");
  Bundle bundle({"/bin/true"});
  json& used = bundle.config["linux"]["memoryPolicy"];
  for (const std::string& mode : names(policy["modes"])) {
    used = {{"mode", mode}};
    if (mode != "MPOL_DEFAULT" && mode != "MPOL_LOCAL") used["nodes"] = "0";
    check_accepted_or_lacking(bundle, mode, numa, "set_mempolicy");
  }
  for (const std::string& flag : names(policy["flags"])) {
    used = {{"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {flag}}};
    check_accepted_or_lacking(bundle, flag, numa, "set_mempolicy");
  }
}

TEST_CASE("features: Intel RDT and network devices are tried", "[features]") {
  ONLY_OCX("the promise is ocx's");
  const json linux_features = features()["linux"];
  CHECK(linux_features.at("intelRdt") == json{{"enabled", true}, {"schemata", true}, {"monitoring", true}});
  const bool resctrl = std::filesystem::exists("/sys/fs/resctrl/schemata");
  for (const json& rdt :
       {json{{"closID", "ocx"}}, json{{"schemata", {"L3:0=f"}}}, json{{"enableMonitoring", true}}}) {
    Bundle bundle({"/bin/true"});
    bundle.config["linux"]["intelRdt"] = rdt;
    if (!resctrl) check_accepted_or_lacking(bundle, rdt.dump(), false, "resctrl");
  }
  CHECK(linux_features.at("netDevices") == json{{"enabled", true}});
  Bundle bundle({"/bin/true"});
  bundle.config["linux"]["netDevices"] = {{"ocx-absent0", json::object()}};
  check_accepted_or_lacking(bundle, "netDevices", false, "ocx-absent0");
}

TEST_CASE("features: every annotation listed changes something", "[features][annotations][contract]") {
  ONLY_OCX("the promise is ocx's");
  struct Row {
    std::string listed, suffix, value;
  };
  const Row rows[] = {{"io.crun.keep_original_groups", "", "1"},
                      {"org.ocx.core-scheduling", "", "nonsense"},
                      {"org.ocx.landlock.", "fs", "read:/absent"},
                      {"org.opencontainers.image.stopSignal", "", "nonsense"},
                      {"org.systemd.property.", "NoSuchProperty", "nonsense"},
                      {"run.oci.delegate-cgroup", "", "../outside"},
                      {"run.oci.hooks.stderr", "", "/absent/file"},
                      {"run.oci.hooks.stdout", "", "/absent/file"},
                      {"run.oci.keep_original_groups", "", "1"},
                      {"run.oci.mount_context_type", "", "nonsense"},
                      {"run.oci.seccomp_fail_unknown_syscall", "", "1"},
                      {"run.oci.systemd.subgroup", "", "../outside"}};
  Names used{"org.criu.config"};  // for checkpoint and restore alone: checkpoint_test.cpp
  for (const Row& row : rows) {
    INFO(row.listed);
    used.insert(row.listed);
    if (row.listed == "org.systemd.property." && !systemd_cgroups()) continue;  // not for cgroupfs
    Bundle bundle({"/bin/true"});
    bundle.process()["user"]["additionalGids"] = {5};
    bundle.config["hooks"]["createRuntime"] = {{{"path", "/bin/true"}}};
    bundle.config["linux"]["seccomp"] = filter({{"action", "SCMP_ACT_ERRNO"}});
    bundle.config["linux"]["seccomp"]["syscalls"][0]["names"] = {"no_such_system_call"};
    check_accepted(bundle, "without");
    bundle.config["annotations"] = {{row.listed + row.suffix, row.value}};
    Container container(bundle);
    Result result = container.run();
    CHECK_FALSE(result.err.empty());
  }
  CHECK(names(features()["potentiallyUnsafeConfigAnnotations"]) == used);
}

TEST_CASE("features: nothing else is listed, and nothing is missing", "[features]") {
  ONLY_OCX("the promise is ocx's");
  Names keys, linux_keys;
  const json document = features();
  for (const auto& [key, value] : document.items()) keys.insert(key);
  for (const auto& [key, value] : document["linux"].items()) linux_keys.insert(key);
  CHECK(keys == Names{"annotations", "hooks", "linux", "mountOptions", "ociVersionMax", "ociVersionMin",
                      "potentiallyUnsafeConfigAnnotations"});
  CHECK(linux_keys == Names{"apparmor", "capabilities", "cgroup", "intelRdt", "memoryPolicy",
                            "mountExtensions", "namespaces", "netDevices", "seccomp", "selinux"});
  const Names options = names(document["mountOptions"]),
              actions = names(document["linux"]["seccomp"]["actions"]);
  CHECK(std::includes(options.begin(), options.end(), options_of_specification.begin(),
                      options_of_specification.end()));
  CHECK(actions == Names{"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
                         "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE",
                         "SCMP_ACT_TRAP"});
  CHECK(names(document["linux"]["memoryPolicy"]["flags"]) ==
        Names{"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"});
  CHECK(document["linux"]["mountExtensions"] == json{{"idmap", {{"enabled", true}}}});
}
