// The mount of type cgroup: the hierarchies of this machine as one container may see them.
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

bool on_v1() {
  return cgroup_mounts().count("memory") != 0;
}

// Where the container's own cgroup of that controller is, seen from the host.
Path own_cgroup(Container& container, const std::string& controller) {
  return cgroup_directory_of(container.pid(), controller);
}

void make_writable(Bundle& bundle) {
  bundle.find_mount("/sys/fs/cgroup")->update({{"options", {"nosuid", "noexec", "nodev", "rw"}}});
}

// Of the host's cgroup v2 file system: nsdelegate, memory_recursiveprot, …
std::set<std::string> host_options() {
  return mount_on(getpid(), cgroup_mounts().at("")).superblock;
}

}  // namespace

TEST_CASE("each v1 hierarchy appears below the mount, rooted at the container's cgroup",
          "[cgroup_mount][v1]") {
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

TEST_CASE("hierarchies that are mounted together have a link for each name", "[cgroup_mount][v1]") {
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

TEST_CASE("read-only cgroups refuse writes, writable ones take them", "[cgroup_mount][v1]") {
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
          "[cgroup_mount][v1]") {
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

TEST_CASE("on v2 the container's own cgroup is mounted", "[cgroup_mount][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    Bundle bundle;
    bundle.shell("cat /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.procs");
    if (own_namespace) bundle.add_namespace("cgroup");
    auto options_before = host_options();
    Container container(bundle);
    Result created = container.create();
    REQUIRE_OK(created);
    pid_t pid = container.pid();
    std::string place = cgroups_of(pid).at("");
    MountEntry entry = mount_on(pid, "/sys/fs/cgroup");
    CHECK(entry.type == "cgroup2");
    CHECK(entry.root == place);
    for (const char* flag : {"ro", "nosuid", "noexec", "nodev"}) CHECK(entry.has(flag));
    CHECK(read_file(inside(pid, "/sys/fs/cgroup/cgroup.procs")) == std::to_string(pid) + "\n");
    CHECK(host_options() == options_before);
    REQUIRE_OK(container.start());
    CHECK(container.wait_exit() == 0);
    CHECK(created.out_now().rfind("0::" + (own_namespace ? "/" : place) + "\n1\n", 0) == 0);
  }
}

TEST_CASE("on v2 read-only cgroups refuse writes, writable ones take them", "[cgroup_mount][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  for (bool own_namespace : {false, true})
    for (bool writable : {false, true}) {
      INFO("cgroup namespace: " << own_namespace << ", writable: " << writable);
      Bundle bundle({"/bin/probe", "try", "mkdir", "/sys/fs/cgroup/below"});
      if (own_namespace) bundle.add_namespace("cgroup");
      if (writable) make_writable(bundle);
      bundle.capabilities({"CAP_DAC_OVERRIDE"});
      Container container(bundle);
      CHECK(container.output() == (writable ? "ok\n" : "EROFS\n"));
    }
}

TEST_CASE("a joined cgroup namespace that is the host's shows no more than the own cgroup",
          "[cgroup_mount][security]") {
  ONLY_OCX("runc mounts all of the host's cgroups");
  Bundle bundle;
  bundle.add_namespace("cgroup", "/proc/self/ns/cgroup");
  make_writable(bundle);
  std::set<std::string> options_before;
  if (cgroup_mounts().count("") != 0) options_before = host_options();
  Container container(bundle);
  SECTION("and the runtime's own") {
    REQUIRE_OK(container.create());
  }
  SECTION("but not the runtime's") {
    // v2 lets nobody make containers outside of the cgroup namespace he is in (nsdelegate).
    if (cgroup_v2()) return;
    bundle.add_namespace("cgroup", "/proc/" + std::to_string(getpid()) + "/ns/cgroup");
    bundle.save();
    std::vector<std::string> argv = container.create_argv();
    argv.insert(argv.begin(), {"/usr/bin/unshare", "--cgroup"});
    REQUIRE_OK(run(argv));
  }
  pid_t pid = container.pid();
  MountEntry entry = mount_on(pid, cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids");
  CHECK(entry.root == cgroups_of(pid).at(cgroup_v2() ? "" : "pids"));
  if (cgroup_mounts().count("") != 0) CHECK(host_options() == options_before);
}

TEST_CASE("a joined cgroup namespace shows the cgroup it begins at", "[cgroup_mount]") {
  Bundle first_bundle;
  first_bundle.add_namespace("cgroup");
  Container first(first_bundle);
  REQUIRE_OK(first.create());
  Bundle bundle;
  bundle.add_namespace("cgroup", "/proc/" + std::to_string(first.pid()) + "/ns/cgroup");
  Container second(bundle);
  REQUIRE_OK(second.create());
  std::string where = cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
  CHECK(mount_on(second.pid(), where).root == mount_on(first.pid(), where).root);
  CHECK(read_file(inside(second.pid(), where + "/cgroup.procs")) == std::to_string(first.pid()) + "\n");
}

TEST_CASE("type cgroup2 is the v2 hierarchy alone, and no more than the own cgroup",
          "[cgroup_mount][security]") {
  ONLY_OCX("runc mounts all of the host's cgroups");
  if (cgroup_mounts().count("") == 0) SKIP_TEST("no cgroup v2 here");
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    Bundle bundle;
    bundle.find_mount("/sys/fs/cgroup")->update({{"type", "cgroup2"}});
    if (own_namespace) bundle.add_namespace("cgroup");
    auto options_before = host_options();
    Container container(bundle);
    REQUIRE_OK(container.create());
    MountEntry entry = mount_on(container.pid(), "/sys/fs/cgroup");
    CHECK(entry.type == "cgroup2");
    CHECK(entry.root == cgroups_of(container.pid()).at(""));
    CHECK(entry.root.size() > 1);
    CHECK(host_options() == options_before);
  }
}

TEST_CASE("CVE-2023-25809: the runtime's own cgroup is never writable", "[cgroup_mount][security]") {
  ONLY_OCX("runc always makes a cgroup for root");
  Path own = cgroup_directory_of(getpid(), "memory");
  std::string where = cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    Bundle bundle({"/bin/probe", "try", "mkdir", where + "/escaped", "write", where + "/cgroup.procs"});
    bundle.capabilities({"CAP_DAC_OVERRIDE"});
    make_writable(bundle);
    if (own_namespace) bundle.add_namespace("cgroup");
    bundle.save();
    Container container(bundle);
    Result created = runtime({"--root", container.root(), "--cgroup-manager", "disabled", "create",
                              "--bundle", bundle.path(), container.id()});
    REQUIRE_OK(created);
    REQUIRE_OK(container.start());
    container.wait_exit();
    CHECK(created.out_now() == "EROFS\nEROFS\n");
    CHECK_FALSE(fs::exists(own / "escaped"));
    rmdir((own / "escaped").c_str());
  }
}

TEST_CASE("a writable v2 cgroup of a user namespace belongs to its user", "[cgroup_mount][userns][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  NOT_ON_RUNC("1.1 gives no cgroup away with the cgroupfs driver");
  struct Row {
    bool writable, own_namespace;
    int user;
    uid_t owner;
  };
  for (const Row& row : {Row{true, true, 0, 100000}, Row{true, true, 1000, 101000}, Row{false, true, 0, 0},
                         Row{true, false, 0, 0}}) {
    INFO("writable " << row.writable << ", cgroup namespace " << row.own_namespace << ", user " << row.user);
    Bundle bundle;
    bundle.use_user_namespace();
    if (row.writable) make_writable(bundle);
    if (row.own_namespace) bundle.add_namespace("cgroup");
    bundle.process()["user"]["uid"] = row.user;
    Container container(bundle);
    REQUIRE_OK(container.create());
    Path directory = own_cgroup(container, "memory");
    std::vector<std::string> delegated = lines(read_file("/sys/kernel/cgroup/delegate"));
    CHECK(delegated.size() > 2);
    struct stat facts {};
    REQUIRE(stat(directory.c_str(), &facts) == 0);
    CHECK(facts.st_uid == row.owner);
    for (const std::string& name : names_in(directory)) {
      INFO(name);
      bool given = std::find(delegated.begin(), delegated.end(), name) != delegated.end();
      REQUIRE(stat((directory / name).c_str(), &facts) == 0);
      CHECK(facts.st_uid == (given ? row.owner : 0));
    }
  }
}

TEST_CASE("root of a user namespace runs its own cgroups", "[cgroup_mount][userns][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  NOT_ON_RUNC("1.1 gives no cgroup away with the cgroupfs driver");
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.add_namespace("cgroup");
  make_writable(bundle);
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 50}};
  bundle.shell(
      "cd /sys/fs/cgroup && mkdir all one && echo $$ >all/cgroup.procs && "
      "echo +pids >cgroup.subtree_control && echo 7 >one/pids.max && cat one/pids.max pids.max;"
      "cat /proc/self/cgroup");
  Container container(bundle);
  CHECK(container.output() == "7\n50\n0::/all\n");
}

TEST_CASE("without a cgroup mount there is no way to the hierarchies", "[cgroup_mount]") {
  Bundle bundle({"/bin/probe", "try", "list", "/sys/fs/cgroup"});
  bundle.remove_mount("/sys/fs/cgroup");
  Container container(bundle);
  CHECK(container.output() == "ENODATA\n");
}

TEST_CASE("a cgroup mount works at another place", "[cgroup_mount]") {
  Bundle bundle;
  bundle.find_mount("/sys/fs/cgroup")->update({{"destination", "/groups"}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  if (cgroup_v2())
    CHECK(mount_on(container.pid(), "/groups").type == "cgroup2");
  else
    CHECK(mount_on(container.pid(), "/groups/memory").type == "cgroup");
}
