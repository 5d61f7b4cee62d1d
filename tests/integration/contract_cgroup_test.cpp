// Where engines look for a container's cgroups, and what they watch there: docs/engine-contract.md,
// "Cgroups".
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/integration/engine_calls.hpp"
#include "tests/integration/resource_files.hpp"

using namespace ocx::test;

namespace {

/// conmon's watch for an OOM kill: inotify on memory.events, or version 1's eventfd.
class OomWatch {
 public:
  explicit OomWatch(const Path& directory) {
    if (cgroup_v2()) {
      event_ = Fd(::inotify_init1(IN_CLOEXEC));
      REQUIRE(::inotify_add_watch(event_.get(), (directory / "memory.events").c_str(), IN_MODIFY) >= 0);
      return;
    }
    event_ = Fd(::eventfd(0, EFD_CLOEXEC));
    control_ = Fd(::open((directory / "memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
    write_file(directory / "cgroup.event_control",
               std::to_string(event_.get()) + " " + std::to_string(control_.get()));
  }
  bool fires() const {
    pollfd entry{event_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 20000) == 1;
  }

 private:
  Fd event_, control_;
};

}  // namespace

TEST_CASE("contract: a cgroupsPath of an engine's is in every hierarchy, named and unified ones too",
          "[contract][cgroup]") {
  if (systemd_cgroups()) return;  // its paths have a form of their own
  Bundle bundle;
  const std::string name = unique_id();
  bundle.config["linux"]["cgroupsPath"] = "/" + name + "/buildkit/leaf";
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 33}};
  {
    Container container(bundle);
    REQUIRE_OK(container.create());
    auto hierarchies = cgroup_mounts();
    if (runtime_is_runc() && !cgroup_v2()) hierarchies.erase("");  // 1.1 leaves it alone
    const auto places = cgroups_of(container.pid());
    for (const auto& [controller, mount] : hierarchies) {
      INFO("hierarchy " << controller << " at " << mount);
      CHECK(places.at(controller) == "/" + name + "/buildkit/leaf");
      CHECK(std::filesystem::exists(mount.string() + places.at(controller)));
    }
    CHECK(limit_file(container, "pids", "pids.max") == "33");
  }
  for (const auto& [controller, mount] : cgroup_mounts())
    for (const char* part : {"/buildkit", ""}) ::rmdir((mount.string() + "/" + name + part).c_str());
}

TEST_CASE("contract: slice:prefix:name without --systemd-cgroup is a plain name, never half a unit",
          "[contract][cgroup]") {
  Bundle bundle;
  Container container(bundle);
  bundle.config["linux"]["cgroupsPath"] = "machine.slice:libpod:" + container.id();
  bundle.save();
  const Words root{runtime_path(), "--root", container.root()};
  const Result created = run(joined(root, {"create", "--bundle", bundle.path(), container.id()}));
  REQUIRE_OK(created);
  const auto places = cgroups_with(container.id());
  CHECK(!places.empty());
  for (const std::string& path : places) {
    INFO(path);
    CHECK(contains(path, "/machine.slice:libpod:" + container.id()));
  }
  REQUIRE_OK(run(joined(root, {"delete", "--force", container.id()})));
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("contract: create alone is told of systemd, every later call knows it",
          "[contract][cgroup][systemd]") {
  if (!std::filesystem::exists("/run/systemd/system")) SKIP_TEST("no systemd here");
  Bundle bundle;
  Container container(bundle);
  bundle.config["linux"]["cgroupsPath"] = "system.slice:crio:" + container.id();
  bundle.save();
  const Words root{"--root", container.root()};
  REQUIRE_OK(conmon_call(
      joined({"--systemd-cgroup"}, root),
      {"create", "--bundle", bundle.path(), "--pid-file", bundle.scratch() / "pid", container.id()}));
  const pid_t pid = strict_pid(read_file(bundle.scratch() / "pid"));
  const std::string unit = "crio-" + container.id() + ".scope";
  CHECK(cgroup_directory_of(pid, "memory").filename() == unit);
  REQUIRE_OK(direct_call(root, {"start", container.id()}));
  RunOptions document;
  document.input = R"({"pids": {"limit": 55}})";
  REQUIRE_OK(direct_call(root, {"update", "--resources", "-", container.id()}, document));
  CHECK(run({"systemctl", "show", "-P", "TasksMax", unit}).out == "55\n");
  for (const char* verb : {"pause", "resume"}) REQUIRE_OK(direct_call(root, {verb, container.id()}));
  REQUIRE_OK(direct_call(root, {"exec", container.id(), "/bin/true"}));
  REQUIRE_OK(direct_call(root, {"kill", container.id(), "KILL"}));
  CHECK(wait_and_reap(pid) == 137);
  REQUIRE_OK(direct_call(root, {"delete", container.id()}));
  CHECK(units_with(container.id()).empty());
  CHECK(cgroups_with(container.id()).empty());
}

TEST_CASE("contract: an OOM kill is seen by who began to watch after create", "[contract][cgroup][oom]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle;
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 12 << 20}, {"swap", 12 << 20}};
  bundle.shell("x=0123456789abcdef; while :; do x=$x$x; done");
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Path directory = cgroup_directory_of(container.pid(), "memory");  // as conmon: from /proc/PID/cgroup
  const OomWatch watch(directory);
  REQUIRE_OK(container.start());
  CHECK(watch.fires());
  CHECK(container.wait_exit() == 137);
  if (systemd_cgroups()) return;  // a scope ends with its processes
  CHECK(std::filesystem::exists(directory));
  CHECK(oom_kills(directory) >= 1);
  REQUIRE_OK(container.remove());
  CHECK_FALSE(std::filesystem::exists(directory));
}

TEST_CASE("contract: a limit of 6 MiB is enough for create, start and a small program",
          "[contract][cgroup]") {
  if (!has_controller("memory")) SKIP_TEST("no memory controller here");
  Bundle bundle({"/bin/true"});
  bundle.config["linux"]["resources"]["memory"] = {{"limit", 6 << 20}, {"swap", 6 << 20}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
}

TEST_CASE(
    "contract: update as Docker, podman and CRI-O call it: what is absent stays, and each call builds on the "
    "last",
    "[contract][update]") {
  if (!has_controller("memory") || !has_controller("cpu")) SKIP_TEST("no memory or cpu controller here");
  Bundle bundle;
  json& resources = bundle.config["linux"]["resources"];
  resources["memory"] = {{"limit", 64 << 20}, {"swap", 64 << 20}};
  resources["cpu"] = {{"shares", 1024}, {"quota", 20000}, {"period", 50000}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const auto memory = [&] {
    return limit_file(container, "memory", cgroup_v2() ? "memory.max" : "memory.limit_in_bytes");
  };
  const auto cpu = [&] {
    return cgroup_v2()
               ? limit_file(container, "cpu", "cpu.max") + " " + limit_file(container, "cpu", "cpu.weight")
               : limit_file(container, "cpu", "cpu.cfs_quota_us") + " " +
                     limit_file(container, "cpu", "cpu.cfs_period_us") + " " +
                     limit_file(container, "cpu", "cpu.shares");
  };
  const std::string cpu_before = cpu();
  const Words globals = joined({"--root", container.root()}, systemd_flag());
  const auto update = [&](const Words& form, const std::string& document) {
    RunOptions options;
    options.input = document;
    return direct_call(globals, joined(joined({"update"}, form), {container.id()}), options);
  };
  const auto limit = [](int mebibytes) {
    const std::string bytes = std::to_string(mebibytes << 20);
    return R"({"memory": {"limit": )" + bytes + R"(, "swap": )" + bytes + "}}";
  };
  // Up and down: the kernel takes the two in one order only.
  REQUIRE_OK(update({"--resources=-"}, limit(256)));
  CHECK(memory() == std::to_string(256 << 20));
  REQUIRE_OK(update({"--resources", "-"}, limit(32)));
  CHECK(memory() == std::to_string(32 << 20));
  CHECK(cpu() == cpu_before);
  REQUIRE_OK(container.start());
  write_file(bundle.scratch() / "resources.json", R"({"cpu": {"quota": 30000}})");
  REQUIRE_OK(update({"--resources=" + (bundle.scratch() / "resources.json").string()}, ""));
  CHECK(memory() == std::to_string(32 << 20));
  CHECK(contains(cpu(), cgroup_v2() ? "30000 50000 " : "30000 50000 1024"));
  REQUIRE_OK(container.command({"pause", container.id()}));
  REQUIRE_OK(update({"--resources=-"}, limit(48)));
  CHECK(memory() == std::to_string(48 << 20));
  CHECK(contains(cpu(), "30000 50000"));
}
