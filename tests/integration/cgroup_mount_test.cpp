// The mount of type cgroup: the hierarchies of this machine as one container may see them.
#include <catch2/catch.hpp>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

bool on_v1() {
  return cgroup_mounts().count("memory") != 0;
}

// Where the container's own cgroup of that controller is, seen from the host.
Path own_cgroup(Container& container, const std::string& controller) {
  Path relative = cgroups_of(container.pid())[controller];
  return cgroup_mounts().at(controller) / relative.relative_path();
}

}  // namespace

TEST_CASE("each v1 hierarchy appears below the mount, rooted at the container's cgroup", "[cgroup_mount]") {
  if (!on_v1()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  pid_t pid = container.pid();
  CHECK(mount_on(pid, "/sys/fs/cgroup").type == "tmpfs");
  for (const char* name : {"memory", "pids", "devices", "freezer"}) {
    INFO(name);
    MountEntry entry = mount_on(pid, std::string("/sys/fs/cgroup/") + name);
    CHECK(entry.type == "cgroup");
    // Without a cgroup namespace the container's directory is bound; nothing above it can be reached.
    CHECK(entry.root == cgroups_of(pid)[name]);
    CHECK(entry.has("ro"));
    CHECK(entry.has("nosuid"));
    CHECK(entry.has("noexec"));
    CHECK(entry.has("nodev"));
    std::string members = read_file(inside(pid, std::string("/sys/fs/cgroup/") + name + "/cgroup.procs"));
    CHECK(members == std::to_string(pid) + "\n");
  }
  if (runtime_is_ocx()) CHECK(mount_on(pid, "/sys/fs/cgroup").has("ro"));
}

TEST_CASE("hierarchies that are mounted together have a link for each name", "[cgroup_mount]") {
  if (!on_v1()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  for (const auto& [name, path] : cgroup_mounts()) {
    if (name.empty() || name.rfind("name=", 0) == 0 || name.find('=') != std::string::npos) continue;
    if (cgroups_of(container.pid()).count(name) == 0) continue;
    INFO(name);
    CHECK(exists_inside(container.pid(), "/sys/fs/cgroup/" + name));
  }
}

TEST_CASE("read-only cgroups refuse writes, writable ones take them", "[cgroup_mount]") {
  if (!on_v1()) SKIP_TEST("no cgroup v1 here");
  for (bool writable : {false, true}) {
    Bundle bundle({"/bin/probe", "try", "mkdir", "/sys/fs/cgroup/pids/below"});
    if (writable)
      bundle.find_mount("/sys/fs/cgroup")->update({{"options", {"nosuid", "noexec", "nodev", "rw"}}});
    bundle.capabilities({"CAP_DAC_OVERRIDE"});
    Container container(bundle);
    Result created = container.create();
    REQUIRE_OK(created);
    Path below = own_cgroup(container, "pids") / "below";
    REQUIRE_OK(container.start());
    CHECK(container.wait_exit() == 0);
    CHECK(created.out_now() == (writable ? "ok\n" : "EROFS\n"));
    CHECK(fs::exists(below) == writable);
  }
}

TEST_CASE("with a cgroup namespace the container sees itself at the root of each hierarchy",
          "[cgroup_mount]") {
  if (!on_v1()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  bundle.shell("cat /proc/self/cgroup");
  bundle.add_namespace("cgroup");
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  pid_t pid = container.pid();
  Path host_path = own_cgroup(container, "memory");
  CHECK_FALSE(host_path.filename() == "memory");
  MountEntry entry = mount_on(pid, "/sys/fs/cgroup/memory");
  CHECK(entry.type == "cgroup");
  CHECK(entry.has("ro"));
  CHECK(read_file(inside(pid, "/sys/fs/cgroup/memory/cgroup.procs")) == std::to_string(pid) + "\n");
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  for (const std::string& line : lines(created.out_now())) {
    if (contains(line, "0::")) continue;
    INFO(line);
    CHECK(line.substr(line.rfind(':')) == ":/");
  }
}

TEST_CASE("without a cgroup mount there is no way to the hierarchies", "[cgroup_mount]") {
  Bundle bundle({"/bin/probe", "try", "list", "/sys/fs/cgroup"});
  bundle.remove_mount("/sys/fs/cgroup");
  Container container(bundle);
  CHECK(container.output() == "ENODATA\n");
}

TEST_CASE("a cgroup mount works at another place", "[cgroup_mount]") {
  if (!on_v1()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  bundle.find_mount("/sys/fs/cgroup")->update({{"destination", "/groups"}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  CHECK(mount_on(container.pid(), "/groups/memory").type == "cgroup");
}
