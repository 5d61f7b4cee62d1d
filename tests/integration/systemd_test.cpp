// The systemd driver against a real systemd; its tests run in the machine of `make test-vm`.
#include <catch2/catch.hpp>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

bool systemd_runs() {
  return std::filesystem::exists("/run/systemd/system");
}

Result create_unit(Container& container, const RunOptions& options = {}) {
  container.bundle().save();
  Result result = container.command(
      {"--systemd-cgroup", "create", "--bundle", container.bundle().path(), container.id()}, options);
  if (result.status == 0) container.pid();
  return result;
}

std::string scope_of(const Container& container) {
  return "ocx-" + container.id() + ".scope";
}

/// `systemctl show`: one property's value.
std::string shown(const std::string& unit, const std::string& property) {
  Result result = run({"systemctl", "show", "--property", property, "--value", unit});
  REQUIRE_OK(result);
  return lines(result.out).empty() ? "" : lines(result.out)[0];
}

void reload() {
  REQUIRE_OK(run({"systemctl", "daemon-reload"}));
}

/// Waits until systemd has forgotten the unit.
bool forgotten(const std::string& name) {
  const std::string unit = shown(name, "LoadState");
  return unit == "not-found" && units_with(name).empty();
}

std::string file_of(const Container& container, const std::string& controller, const std::string& file) {
  return read_cgroup_file(container, controller, file).value_or("absent");
}

}  // namespace

#define NEEDS_SYSTEMD() \
  if (!systemd_runs()) SKIP_TEST("systemd is not running here; make test-vm has it")

TEST_CASE("without systemd its driver says so", "[systemd]") {
  ONLY_OCX("runc's words differ");
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  // Nothing in /run is a machine without systemd (sd_booted(3)).
  std::vector<std::string> argv{"unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /run && exec \"$@\"",
                                "sh"};
  for (const std::string& word :
       {runtime_path(), std::string("--root"), container.root().string(), std::string("--systemd-cgroup"),
        std::string("create"), std::string("--bundle"), bundle.path().string(), container.id()})
    argv.push_back(word);
  CHECK(contains(error_message(run(argv)),
                 "the systemd cgroup driver needs systemd, which is not running on this machine; use "
                 "--cgroup-manager cgroupfs"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("bad paths and annotations of the systemd driver are errors with their place", "[systemd]") {
  ONLY_OCX("runc's words differ");
  Bundle bundle;
  Container container(bundle);
  bundle.config["linux"]["cgroupsPath"] = "/a/b";
  std::string message = error_message(create_unit(container));
  CHECK(contains(message, "slice:prefix:name"));
  CHECK(contains(message, "(/linux/cgroupsPath)"));
  bundle.config["linux"].erase("cgroupsPath");
  bundle.config["annotations"]["org.systemd.property.After"] = "['a.service'";
  CHECK(contains(error_message(create_unit(container)), "(/annotations/org.systemd.property.After)"));
}

TEST_CASE("a container is a scope of systemd's", "[systemd]") {
  NEEDS_SYSTEMD();
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(create_unit(container));
  const std::string scope = runtime_is_runc() ? "runc-" + container.id() + ".scope" : scope_of(container);
  CHECK(shown(scope, "ActiveState") == "active");
  CHECK(shown(scope, "Slice") == "system.slice");
  CHECK(shown(scope, "Transient") == "yes");
  CHECK(shown(scope, "Delegate") == "yes");
  CHECK(shown(scope, "MemoryAccounting") == "yes");
  CHECK(shown(scope, "TasksAccounting") == "yes");
  CHECK(shown(scope, "DefaultDependencies") == "no");
  CHECK(shown(scope, "ControlGroup") == "/system.slice/" + scope);
  for (const auto& [controller, path] : cgroups_of(container.pid())) CHECK(path == "/system.slice/" + scope);
  REQUIRE_OK(container.start());
  CHECK(container.status() == "running");
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(forgotten(scope));
  CHECK(container.leftovers().empty());
}

TEST_CASE("slice:prefix:name places the scope", "[systemd][contract]") {
  NEEDS_SYSTEMD();
  Bundle bundle;
  Container container(bundle);
  bundle.config["linux"]["cgroupsPath"] = "ocxtest-deep.slice:pre:" + container.id();
  REQUIRE_OK(create_unit(container));
  const std::string scope = "pre-" + container.id() + ".scope";
  CHECK(shown(scope, "Slice") == "ocxtest-deep.slice");
  CHECK(shown(scope, "ControlGroup") == "/ocxtest.slice/ocxtest-deep.slice/" + scope);
  CHECK(cgroup_directory_of(container.pid(), "memory").filename() == scope);
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(forgotten(scope));
  run({"systemctl", "stop", "ocxtest.slice"});
}

TEST_CASE("a name that ends in .slice is a slice unit", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc 1.1 leaves the slice behind");
  Bundle bundle;
  Container container(bundle);
  std::string name = "ocxtest" + std::to_string(getpid());
  bundle.config["linux"]["cgroupsPath"] = "system.slice::" + name + ".slice";
  REQUIRE_OK(create_unit(container));
  CHECK(shown(name + ".slice", "ActiveState") == "active");
  CHECK(cgroup_directory_of(container.pid(), "memory").filename() == name + ".slice");
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK(units_with(name).empty());  // systemd can load any slice, so that its LoadState says nothing
  CHECK(cgroups_with(name).empty());
}

TEST_CASE("limits are in the unit and in the files, and outlive a daemon-reload", "[systemd]") {
  NEEDS_SYSTEMD();
  if (!cgroup_v2()) SKIP_TEST("reads v2 files");
  Bundle bundle;
  Container container(bundle);
  json& resources = bundle.config["linux"]["resources"];
  resources["memory"] = {{"limit", 64 << 20}, {"reservation", 32 << 20}};
  resources["pids"] = {{"limit", 77}};
  resources["cpu"] = {{"shares", 512}, {"quota", 12345}, {"period", 100000}};
  REQUIRE_OK(create_unit(container));
  const std::string scope = scope_of(container);
  CHECK(shown(scope, "MemoryMax") == std::to_string(64 << 20));
  CHECK(shown(scope, "MemoryLow") == std::to_string(32 << 20));
  CHECK(shown(scope, "TasksMax") == "77");
  CHECK(shown(scope, "CPUQuotaPerSecUSec") == "130ms");
  CHECK(file_of(container, "cpu", "cpu.max") == "12345 100000");
  const std::string weight = shown(scope, "CPUWeight");
  CHECK(file_of(container, "cpu", "cpu.weight") == weight);
  reload();
  CHECK(file_of(container, "memory", "memory.max") == std::to_string(64 << 20));
  CHECK(file_of(container, "memory", "memory.low") == std::to_string(32 << 20));
  CHECK(file_of(container, "pids", "pids.max") == "77");
  CHECK(file_of(container, "cpu", "cpu.weight") == weight);
  // Whatever property an administrator changes, systemd writes the others of its controller, too.
  REQUIRE_OK(run({"systemctl", "set-property", "--runtime", scope, "MemoryHigh=60M"}));
  reload();
  CHECK(file_of(container, "memory", "memory.high") == std::to_string(60 << 20));
  CHECK(file_of(container, "memory", "memory.max") == std::to_string(64 << 20));
}

TEST_CASE("systemd leaves the device policy alone", "[systemd]") {
  NEEDS_SYSTEMD();
  Bundle bundle;
  bundle.config["linux"]["devices"] =
      json::array({{{"path", "/dev/denied"}, {"type", "c"}, {"major", 1}, {"minor", 11}}});
  bundle.shell(
      "mkfifo /go; probe try open /dev/denied open /dev/null > /before; cat /go; "
      "probe try open /dev/denied open /dev/null > /after; exec probe pause");
  Container container(bundle);
  REQUIRE_OK(create_unit(container));
  REQUIRE_OK(container.start());
  CHECK(wait_for_lines(bundle.rootfs() / "before", 2) == "EPERM\nok\n");
  REQUIRE_OK(run({"systemctl", "set-property", "--runtime", scope_of(container), "TasksMax=50"}));
  reload();
  write_file(bundle.rootfs() / "go", "now\n");
  CHECK(wait_for_lines(bundle.rootfs() / "after", 2) == "EPERM\nok\n");
}

TEST_CASE("annotations are properties of the unit", "[systemd]") {
  NEEDS_SYSTEMD();
  Bundle bundle;
  Container container(bundle);
  json& annotations = bundle.config["annotations"];
  annotations["org.systemd.property.TimeoutStopSec"] = "7";
  annotations["org.systemd.property.Description"] = "'a container of mine'";
  annotations["org.systemd.property.After"] = "['basic.target']";
  annotations["org.systemd.property.RuntimeMaxUSec"] = "uint64 3600000000";
  annotations["org.systemd.property.SendSIGHUP"] = "true";
  REQUIRE_OK(create_unit(container));
  const std::string scope = runtime_is_runc() ? "runc-" + container.id() + ".scope" : scope_of(container);
  CHECK(shown(scope, "TimeoutStopUSec") == "7s");
  CHECK(shown(scope, "Description") == "a container of mine");
  CHECK(contains(shown(scope, "After"), "basic.target"));
  CHECK(shown(scope, "RuntimeMaxUSec") == "1h");
  CHECK(shown(scope, "SendSIGHUP") == "yes");
}

TEST_CASE("an annotation that systemd refuses is told by its place", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc names no place");
  for (const auto& [name, value] :
       {std::pair("NoSuchProperty", "1"), {"CollectMode", "'never'"}, {"SendSIGHUP", "'x'"}}) {
    INFO(name);
    Bundle bundle;
    Container container(bundle);
    bundle.config["annotations"][std::string("org.systemd.property.") + name] = value;
    std::string message = error_message(create_unit(container));
    INFO(message);
    CHECK(contains(message, "start the systemd unit \"" + scope_of(container) + "\""));
    if (std::string(name) != "SendSIGHUP")
      CHECK(contains(message, std::string("(/annotations/org.systemd.property.") + name + ")"));
    CHECK(container.leftovers().empty());
    CHECK(forgotten(scope_of(container)));
  }
}

TEST_CASE("the unit goes when init ends, and its name is free at once", "[systemd]") {
  NEEDS_SYSTEMD();
  Bundle bundle({"/bin/probe", "exit", "0"});
  for (int round = 0; round < 10; ++round) {
    Container container(bundle, "again-" + std::to_string(getpid()));
    REQUIRE_OK(create_unit(container));
    REQUIRE_OK(container.start());
    container.wait_exit();
    REQUIRE_OK(container.remove());
  }
  CHECK(units_with("again-" + std::to_string(getpid())).empty());
}

TEST_CASE("delete --force of a running container frees the unit's name at once", "[systemd]") {
  NEEDS_SYSTEMD();
  Bundle bundle;
  bundle.shell("sleep 1000 & sleep 1000 & exec /bin/probe pause");
  for (int round = 0; round < 5; ++round) {
    Container container(bundle, "forced-" + std::to_string(getpid()));
    REQUIRE_OK(create_unit(container));
    REQUIRE_OK(container.start());
    REQUIRE_OK(container.force_delete());
    CHECK(units_with(container.id()).empty());
    container.wait_exit();
  }
}

TEST_CASE("no failed unit is left by SIGKILL or by the OOM killer", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc 1.1 leaves failed units");
  for (const bool oom : {false, true}) {
    INFO(oom);
    Bundle bundle;
    if (oom) {
      bundle.config["linux"]["resources"]["memory"] = {{"limit", 8 << 20}, {"swap", 8 << 20}};
      bundle.shell("x=aaaaaaaa; while :; do x=$x$x; done");
    }
    Container container(bundle);
    REQUIRE_OK(create_unit(container));
    REQUIRE_OK(container.start());
    if (!oom) REQUIRE_OK(container.kill("KILL"));
    CHECK(container.wait_exit() == 128 + SIGKILL);
    REQUIRE_OK(container.remove());
    CHECK(forgotten(scope_of(container)));
    CHECK(run({"systemctl", "--failed", "--plain", "--no-legend"}).out.find(container.id()) ==
          std::string::npos);
  }
}

TEST_CASE("a unit of somebody else's is left alone", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc 1.1 takes it over");
  Bundle bundle, other_bundle;
  Container container(bundle);
  REQUIRE_OK(create_unit(container));
  REQUIRE_OK(container.start());
  // Another state root, the same id.
  TempDir root;
  other_bundle.save();
  const std::vector<std::string> options{"--root", root.path(), "--systemd-cgroup"};
  const auto other = [&](std::vector<std::string> words) {
    words.insert(words.begin(), options.begin(), options.end());
    return runtime(words);
  };
  CHECK(contains(error_message(other({"create", "--bundle", other_bundle.path(), container.id()})),
                 "container's cgroup is not empty"));
  REQUIRE_OK(other({"delete", "--force", container.id()}));
  CHECK(container.status() == "running");
  CHECK(shown(scope_of(container), "ActiveState") == "active");
}

TEST_CASE("an empty unit in the way is replaced", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc 1.1 fails");
  Bundle bundle;
  Container container(bundle);
  // Failed, and kept by systemd until somebody resets it.
  run({"systemd-run", "--scope", "--unit", scope_of(container), "-p", "RuntimeMaxSec=1", "--quiet", "sleep",
       "100"});
  CHECK(shown(scope_of(container), "ActiveState") == "failed");
  REQUIRE_OK(create_unit(container));
  CHECK(shown(scope_of(container), "ActiveState") == "active");
}

TEST_CASE("update changes unit and file, and neither when it is refused", "[systemd]") {
  NEEDS_SYSTEMD();
  if (!cgroup_v2()) SKIP_TEST("reads v2 files");
  Bundle bundle;
  Container container(bundle);
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 64 << 20}};
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 20}};
  REQUIRE_OK(create_unit(container));
  REQUIRE_OK(container.start());
  const std::string scope = scope_of(container);
  REQUIRE_OK(container.command({"update", "--pids-limit", "30", "--memory", "33554432", container.id()}));
  CHECK(shown(scope, "TasksMax") == "30");
  CHECK(shown(scope, "MemoryMax") == "33554432");
  CHECK(file_of(container, "pids", "pids.max") == "30");
  CHECK(file_of(container, "memory", "memory.max") == "33554432");
  Result refused = container.command({"update", "--pids-limit", "40", "--cpu-quota", "1", container.id()});
  CHECK(refused.status != 0);
  CHECK(shown(scope, "TasksMax") == "30");
  CHECK(file_of(container, "pids", "pids.max") == "30");
  reload();
  CHECK(file_of(container, "pids", "pids.max") == "30");
}

TEST_CASE("thirty containers at once", "[systemd]") {
  NEEDS_SYSTEMD();
  std::vector<std::unique_ptr<Bundle>> bundles;
  std::vector<std::unique_ptr<Container>> containers;
  std::vector<Child> children;
  for (int i = 0; i < 30; ++i) {
    bundles.push_back(
        std::make_unique<Bundle>(std::vector<std::string>{"/bin/probe", "exit", std::to_string(i)}));
    bundles.back()->save();
    containers.push_back(std::make_unique<Container>(*bundles.back()));
  }
  RunOptions options;
  options.timeout = Seconds{120};
  for (int i = 0; i < 30; ++i) {
    const auto at = static_cast<size_t>(i);
    children.push_back(containers[at]->spawn(
        {"--systemd-cgroup", "run", "--bundle", bundles[at]->path(), containers[at]->id()}, options));
  }
  for (int i = 0; i < 30; ++i) {
    Result result = children[static_cast<size_t>(i)].wait();
    INFO(result.describe());
    CHECK(result.status == i);
  }
  for (const auto& container : containers) CHECK(units_with(container->id()).empty());
}

TEST_CASE("a create that is killed leaves a unit that delete --force finds", "[systemd]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("a test variable");
  for (const char* stage : {"cgroup", "clone", "resources", "save"}) {
    INFO(stage);
    Bundle bundle;
    Container container(bundle);
    RunOptions options;
    options.add_env = {std::string("OCX_TEST_FAIL_AT=") + stage};
    CHECK(create_unit(container, options).status != 0);
    CHECK(container.leftovers().empty());
    CHECK(forgotten(scope_of(container)));
  }
}

TEST_CASE("an ordinary user's container is a scope of the user's own systemd", "[systemd][contract]") {
  NEEDS_SYSTEMD();
  ONLY_OCX("runc's options differ");
  const passwd* user = getpwuid(1000);
  if (user == nullptr) SKIP_TEST("no user has uid 1000");
  REQUIRE_OK(run({"systemctl", "start", "user@1000.service"}));
  Bundle bundle({"/bin/cat", "/proc/self/cgroup"});
  const json own_id = json::array({{{"containerID", 0}, {"hostID", 1000}, {"size", 1}}});
  bundle.add_namespace("user");
  bundle.config["linux"]["uidMappings"] = bundle.config["linux"]["gidMappings"] = own_id;
  (*bundle.find_mount("/dev/pts"))["options"] = {"nosuid", "noexec", "newinstance"};
  bundle.config["linux"]["resources"] = {{"pids", {{"limit", 30}}}};
  bundle.save();
  const std::string id = unique_id();
  RunOptions options;
  options.add_env = {"XDG_RUNTIME_DIR=/run/user/1000"};
  Result result = run({"setpriv", "--reuid", "1000", "--regid", "1000", "--clear-groups", runtime_path(),
                       "--systemd-cgroup", "run", "--bundle", bundle.path(), id},
                      options);
  REQUIRE_OK(result);
  CHECK(contains(result.out, "/user@1000.service/user.slice/ocx-" + id + ".scope\n"));
  CHECK(cgroups_with(id).empty());
}
