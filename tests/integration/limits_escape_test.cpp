// A hostile container and its limits: with every capability and a writable cgroup mount it gets no further
// than the kernel's rules for its own cgroup allow, and whatever it made there is gone with it.
#include <catch2/catch.hpp>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"
#include "tests/integration/resource_files.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* all_capabilities[] = {
    "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_CHOWN", "CAP_FOWNER",   "CAP_MKNOD",
    "CAP_SETUID",    "CAP_SETGID",       "CAP_SYS_CHROOT",      "CAP_KILL",  "CAP_NET_ADMIN"};

void make_hostile(Bundle& bundle, bool writable) {
  bundle.capabilities({std::begin(all_capabilities), std::end(all_capabilities)});
  bundle.process()["noNewPrivileges"] = false;
  if (writable)
    bundle.find_mount("/sys/fs/cgroup")->update({{"options", {"nosuid", "noexec", "nodev", "rw"}}});
}

// A hook that notes who is in the container's cgroup.
json member_hook(const Bundle& bundle, const Path& log) {
  std::string v2 = cgroup_v2() ? "" : "pids";
  std::string line = v2.empty() ? "s/^0:://p" : "s/^[0-9]*:pids://p";
  write_file(bundle.scratch() / "members.sh",
             "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/')\n"
             "cat " +
                 cgroup_mounts().at(v2).string() + "$(sed -n '" + line +
                 "' /proc/$pid/cgroup)/cgroup.procs >>" + log.string() + "\necho end >>" + log.string() +
                 "\n");
  return {{"path", "/bin/sh"}, {"args", {"sh", bundle.scratch() / "members.sh"}}};
}

}  // namespace

TEST_CASE("a writable cgroup mount has no release agent", "[limits][security][v1]") {
  if (cgroup_v2()) SKIP_TEST("no cgroup v1 here");
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    Bundle bundle;
    make_hostile(bundle, true);
    if (own_namespace) bundle.add_namespace("cgroup");
    // The roots of the host's hierarchies have the file, and nothing else has.
    bundle.shell(
        "for c in /sys/fs/cgroup/*/; do echo $c; test -e $c/release_agent && echo found; done; true");
    Container container(bundle);
    std::string output = container.output();
    CHECK(contains(output, "/memory"));
    CHECK_FALSE(contains(output, "found"));
  }
}

TEST_CASE("CVE-2022-0492: root of a user namespace sets no release agent", "[limits][security][v1]") {
  if (cgroup_v2()) SKIP_TEST("no cgroup v1 here");
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.add_namespace("cgroup");
  make_hostile(bundle, true);
  // What is written is what is there: an attack that gets through does no harm to the machine.
  REQUIRE(read_file(cgroup_mounts().at("pids") / "release_agent") == "\n");
  bundle.shell(
      "mkdir /dev/shm/m; for c in memory pids freezer; do"
      "  mount -t cgroup -o $c none /dev/shm/m 2>/dev/null || continue;"
      "  for f in $(find /dev/shm/m -name release_agent); do (echo >$f) 2>/dev/null && echo wrote $f; done;"
      "  umount /dev/shm/m; done; echo tried");
  Container container(bundle);
  CHECK(container.output() == "tried\n");
}

TEST_CASE("a read-only cgroup mount keeps limits and members as they are", "[limits][security]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    std::string where = cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    Bundle bundle({"/bin/probe", "try", "write", where + "/pids.max", "write", where + "/cgroup.procs",
                   "mkdir", where + "/sub"});
    bundle.capabilities({"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"});
    if (own_namespace) bundle.add_namespace("cgroup");
    bundle.config["linux"]["resources"]["pids"] = {{"limit", 30}};
    Container container(bundle);
    CHECK(container.output() == "EROFS\nEROFS\nEROFS\n");
    if (systemd_cgroups()) continue;  // the scope has ended with its process
    CHECK(limit_file(container, "pids", "pids.max") == "30");
  }
}

TEST_CASE("a delegated cgroup does not delegate its limits", "[limits][security][v2]") {
  if (!cgroup_v2()) SKIP_TEST("no pure cgroup v2 here");
  for (bool own_user : {false, true}) {
    INFO("user namespace: " << own_user);
    Bundle bundle;
    make_hostile(bundle, true);
    if (own_user) bundle.use_user_namespace();
    bundle.add_namespace("cgroup");
    bundle.config["linux"]["resources"]["pids"] = {{"limit", 30}};
    bundle.config["linux"]["resources"]["memory"] = {{"limit", 64 << 20}};
    bundle.shell(
        "cd /sys/fs/cgroup; for f in pids.max memory.max memory.high cpu.max cgroup.freeze; do"
        "  (echo max >$f) 2>/dev/null && echo wrote $f; done;"
        // Above is nothing, and what is made below is the container's own.
        "mkdir sub && echo made; echo done");
    Container container(bundle);
    Result created = container.create();
    REQUIRE_OK(created);
    REQUIRE_OK(container.start());
    container.wait_exit();
    CHECK(created.out_now() == "made\ndone\n");
    if (systemd_cgroups()) continue;  // the scope has ended with its processes
    CHECK(limit_file(container, "pids", "pids.max") == "30");
    CHECK(limit_file(container, "memory", "memory.max") == "67108864");
  }
}

TEST_CASE("a container can't move above its own cgroup", "[limits][security]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  for (bool own_namespace : {false, true}) {
    INFO("cgroup namespace: " << own_namespace);
    Bundle bundle;
    make_hostile(bundle, true);
    if (own_namespace) bundle.add_namespace("cgroup");
    bundle.config["linux"]["resources"]["pids"] = {{"limit", 30}};
    std::string where = cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    // ".." of a mount's root is the directory that it is mounted in, whatever the hierarchy has above.
    bundle.shell(
        "for up in .. ../.. ../../..; do"
        "  test -e " +
        where +
        "/$up/pids.max && echo limits at $up;"
        "  test -e " +
        where +
        "/$up/cgroup.procs && echo members at $up; done;"
        "echo ready >/ready; exec /bin/probe pause");
    Container container(bundle);
    Result created = container.create();
    REQUIRE_OK(created);
    Path before = cgroup_directory_of(container.pid(), "pids");
    REQUIRE_OK(container.start());
    wait_for_file(bundle.rootfs() / "ready");
    CHECK(created.out_now().empty());
    CHECK(cgroup_directory_of(container.pid(), "pids") == before);
  }
}

TEST_CASE("a mount of its own shows a container no more than its cgroup", "[limits][security]") {
  Bundle bundle;
  make_hostile(bundle, true);
  bundle.add_namespace("cgroup");
  std::string type = cgroup_v2() ? "mount -t cgroup2 none /m" : "mount -t cgroup -o pids none /m";
  bundle.shell("mkdir /m; " + type +
               " && cat /m/cgroup.procs | wc -l; ls -d /m/system.slice /m/init.scope 2>/dev/null");
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  container.wait_exit();
  INFO(created.describe() << created.out_now() << created.err_now());
  // The shell, cat and wc; the host has many more at its root.
  int members = std::atoi(created.out_now().c_str());
  CHECK(members >= 2);
  CHECK(members <= 3);
  CHECK(lines(created.out_now()).size() == 1);
}

TEST_CASE("children of the cgroup that a container made go with it", "[limits][security]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  std::string where = cgroup_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
  Bundle bundle;
  make_hostile(bundle, true);
  bundle.add_namespace("cgroup");
  SECTION("deep ones, with a process at the bottom") {
    bundle.shell("cd " + where +
                 "; i=0; while [ $i -lt 1000 ] && mkdir d && cd d; do i=$((i+1)); done;"
                 "sh -c 'echo $$ >cgroup.procs; exec sleep 1000' & echo $i >/depth; exec /bin/probe pause");
  }
  SECTION("many ones, each with a process") {
    bundle.shell("cd " + where +
                 "; for i in $(seq 50); do mkdir c$i; sh -c \"echo \\$\\$ >c$i/cgroup.procs;"
                 "exec sleep 1000\" & done; echo $i >/depth; exec /bin/probe pause");
  }
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  int depth = std::stoi(wait_for_file(bundle.rootfs() / "depth"));
  CHECK(depth >= 50);
  Path directory = limit_directory(container, "pids");
  REQUIRE_OK(container.force_delete());
  container.wait_exit();
  CHECK_FALSE(fs::exists(directory));
  CHECK(container.leftovers() == std::vector<std::string>{});
}

TEST_CASE("nobody but init is in the container's cgroup while hooks run", "[limits][security]") {
  if (!has_controller("pids")) SKIP_TEST("no pids controller here");
  for (bool joined : {false, true}) {
    if (joined && runtime_is_runc()) continue;  // 1.1 takes no mappings beside a path
    INFO("joins a user namespace: " << joined);
    Bundle owner;
    owner.use_user_namespace();
    Container first(owner);
    Bundle bundle;
    if (joined) {
      REQUIRE_OK(first.create());
      bundle.use_user_namespace();
      bundle.add_namespace("user", "/proc/" + std::to_string(first.pid()) + "/ns/user");
    }
    Path log = bundle.scratch() / "members";
    for (const char* kind : {"prestart", "createRuntime"})
      bundle.config["hooks"][kind] = {member_hook(bundle, log)};
    Container container(bundle);
    REQUIRE_OK(container.create());
    std::string once = std::to_string(container.pid()) + "\nend\n";
    CHECK(read_file(log) == once + once);
  }
}
