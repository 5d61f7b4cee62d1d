// A caller without privileges: the same bundles, as uid 1000.
#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/integration/user_container.hpp"

namespace fs = std::filesystem;
using namespace ocx::test;

namespace {

json mapping(unsigned inside, unsigned outside, unsigned size) {
  return json::array({{{"containerID", inside}, {"hostID", outside}, {"size", size}}});
}

void map(Bundle& bundle, const json& maps) {
  bundle.add_namespace("user");
  bundle.config["linux"]["uidMappings"] = bundle.config["linux"]["gidMappings"] = maps;
}

/// "0 1000 1" for each line of a uid_map.
std::string squeezed(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' || (!out.empty() && out.back() != ' ' && out.back() != '\n')) out += c;
  return out;
}

/// A cgroup of uid 1000's with a child for the caller, as systemd makes for a unit with Delegate=yes.
class DelegatedCgroup {
 public:
  explicit DelegatedCgroup(const std::string& name)
      : path_(cgroup_mounts().at(cgroup_v2() ? "" : "pids") / (name + "-delegated")) {
    fs::create_directories(path_ / "caller");
    REQUIRE_OK(
        run({"sh", "-c",
             "cd \"$1\" && if [ -e cgroup.subtree_control ]; then echo +pids >../cgroup.subtree_control;"
             " chown 1000 cgroup.subtree_control; fi && chown 1000 . cgroup.procs && chown -R 1000 caller",
             "sh", path_}));
  }
  DelegatedCgroup(const DelegatedCgroup&) = delete;
  DelegatedCgroup& operator=(const DelegatedCgroup&) = delete;
  ~DelegatedCgroup() {
    for (const Path& path : {path_ / "caller", path_}) CHECK(rmdir(path.c_str()) == 0);
  }
  /// Runs the command as the user, in the child.
  Result run_in(const Words& words, const RunOptions& options) const {
    return run(Words{"sh", "-c", "echo $$ >\"$1\"/caller/cgroup.procs && shift && exec \"$@\"", "sh", path_} +
                   drop + words,
               options);
  }

 private:
  Path path_;
};

constexpr const char* granted = "# by hand\n1000:x:y\nnobody:1:1\n1000:200000:65536\n";

}  // namespace

TEST_CASE("rootless: a bundle written for root runs with the user's one id", "[rootless]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  bundle.shell("id -u; id -g; cat /proc/self/uid_map; cat /proc/self/setgroups; touch /made /dev/pts/../x");
  bundle.process()["user"]["additionalGids"] = {0};  // as buildah writes it
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(squeezed(result.out) == "0\n0\n0 1000 1\ndeny\n");
  CHECK(result.err.empty());
  struct stat made {};
  REQUIRE(stat((bundle.rootfs() / "made").c_str(), &made) == 0);
  CHECK(made.st_uid == user);
}

TEST_CASE("rootless: subordinate ids are mapped by newuidmap", "[rootless]") {
  NEEDS_NEWUIDMAP();
  Bundle bundle;
  UserContainer container(bundle, granted);
  bundle.capabilities({"CAP_CHOWN"});
  bundle.shell("cat /proc/self/uid_map /proc/self/gid_map; touch /tmp/made && chown 7:8 /tmp/made");
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(squeezed(result.out) == "0 1000 1\n1 200000 65536\n0 1000 1\n1 200000 65536\n");
  struct stat made {};
  REQUIRE(stat((bundle.rootfs() / "tmp/made").c_str(), &made) == 0);
  CHECK(made.st_uid == 200006);
  CHECK(made.st_gid == 200007);
}

TEST_CASE("rootless: every later command works, for a user of the container that is not root", "[rootless]") {
  NEEDS_NEWUIDMAP();
  Bundle bundle;
  UserContainer container(bundle, granted);
  bundle.process()["user"] = {{"uid", 33}, {"gid", 33}};
  bundle.process()["oomScoreAdj"] = 300;
  REQUIRE_OK(container.create());
  CHECK(container.state().at("status") == "created");
  CHECK(read_file("/proc/" + std::to_string(container.pid()) + "/oom_score_adj") == "300\n");
  REQUIRE_OK(container.ocx({"start", container.id()}));
  CHECK(container.state().at("status") == "running");
  const Result list = container.ocx({"list", "--quiet"});
  REQUIRE_OK(list);
  CHECK(list.out == container.id() + "\n");
  const Result ps = container.ocx({"ps", "--format", "json", container.id()});
  REQUIRE_OK(ps);
  CHECK(parse_json(ps.out) == json::array({container.pid()}));
  REQUIRE_OK(container.ocx({"kill", container.id(), "KILL"}));
  CHECK(wait_and_reap(container.pid()) == 128 + SIGKILL);
  CHECK(container.state().at("status") == "stopped");
  REQUIRE_OK(container.ocx({"delete", container.id()}));
}

TEST_CASE("rootless: with one id it is process.user that is mapped", "[rootless]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  bundle.process()["user"] = {{"uid", 33}, {"gid", 44}};
  bundle.shell("id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map");
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(squeezed(result.out) == "33\n44\n33 1000 1\n44 1000 1\n");
}

TEST_CASE("rootless: mappings of the configuration's own", "[rootless]") {
  NEEDS_NEWUIDMAP();
  Bundle bundle;
  UserContainer container(bundle, granted);
  bundle.find_mount("/dev/pts")->at("options") = {"newinstance", "ptmxmode=0666", "mode=0620"};
  bundle.shell("cat /proc/self/uid_map");
  map(bundle, mapping(0, 200000, 10));
  // The rootfs is uid 1000's, which is nobody in there; it can be read.
  bundle.process()["user"] = {{"uid", 3}, {"gid", 3}};
  REQUIRE(chmod(bundle.rootfs().c_str(), 0777) == 0);
  SECTION("granted") {
    const Result result = container.run();
    REQUIRE_OK(result);
    CHECK(squeezed(result.out) == "0 200000 10\n");
  }
  SECTION("not granted") {
    bundle.config["linux"]["uidMappings"] = mapping(0, 5000, 10);
    const std::string message = error_message(container.run());
    CHECK(contains(message, "newuidmap "));
    CHECK(contains(message, " 0 5000 10: newuidmap: "));
    CHECK(contains(message, "(/linux/uidMappings); /etc/subuid has to grant these ids"));
  }
  SECTION("without the programs") {
    const Result result = container.run({"env", "PATH=/nonexistent"});
    const std::string message = error_message(result);
    CHECK(contains(message, "needs newuidmap, which is in no directory of PATH (/linux/uidMappings)"));
    CHECK(contains(message, "install the package uidmap"));
  }
}

TEST_CASE("rootless: a mount option with an id that is not mapped names it", "[rootless]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  SECTION("of the configuration's own mappings") {
    map(bundle, mapping(0, user, 1));
    const std::string message = error_message(container.run());
    CHECK(contains(message, "mount of \"devpts\" on \"/dev/pts\": \"gid=5\" is not mapped"));
  }
  SECTION("of another file system") {
    bundle.add_mount(
        {{"destination", "/mnt"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"uid=9"}}});
    const std::string message = error_message(container.run());
    CHECK(contains(message, "\"uid=9\" is not mapped in the container's user namespace (/mounts/"));
  }
}

TEST_CASE("rootless: the host's network has the host's /sys, all of it read-only", "[rootless][security]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  bundle.remove_namespace("network");
  bundle.remove_mount("/sys/fs/cgroup");
  bundle.shell(
      "ls /sys/kernel >/dev/null || exit 3; grep ' /sys' /proc/mounts | grep -v ' ro,' && exit 4;"
      "for d in $(find /sys/fs/cgroup -maxdepth 2 -type d); do [ -e $d/cgroup.procs ] && mkdir $d/ocx-test "
      "2>/dev/null && exit 5;"
      "done; exit 0");
  REQUIRE_OK(container.run());
}

// CVE-2023-25809: the caller's own cgroup, which the container has stayed in.
TEST_CASE("rootless: without a cgroup of its own the container can't write to the caller's",
          "[rootless][security][contract]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  const DelegatedCgroup delegated(container.id());
  bundle.remove_namespace("cgroup");
  bundle.remove_mount("/sys/fs/cgroup");
  bundle.add_mount(
      {{"destination", "/sys/fs/cgroup"}, {"type", "cgroup"}, {"source", "cgroup"}, {"options", {"rw"}}});
  bundle.shell(
      "for d in $(find /sys/fs/cgroup -type d); do [ -e $d/cgroup.procs ] && echo seen &&"
      " mkdir $d/ocx-test 2>/dev/null && exit 5; done; exit 0");
  bundle.save();
  RunOptions options;
  options.env = container.environment();
  const Result result = delegated.run_in(
      {runtime_path(), "--cgroup-manager", "disabled", "run", "--bundle", bundle.path(), container.id()},
      options);
  REQUIRE_OK(result);
  CHECK(contains(result.out, "seen\n"));
}

TEST_CASE("rootless: limits and a cgroupsPath without permission are errors", "[rootless][cgroup]") {
  NEEDS_USER();
  constexpr const char* text =
      "rootless needs no limits + no cgrouppath when no permission is granted for cgroups";
  Bundle bundle;
  UserContainer container(bundle);
  bundle.config["linux"].erase("cgroupsPath");
  SECTION("limits") {
    bundle.config["linux"]["resources"]["pids"] = {{"limit", 10}};
    const std::string message = error_message(container.run());
    CHECK(contains(message, std::string(text) + " (/linux/resources/pids/limit)"));
  }
  SECTION("a path") {
    bundle.config["linux"]["cgroupsPath"] = "/" + container.id();
    const std::string message = error_message(container.run());
    CHECK(contains(message, "permission denied (/linux/cgroupsPath); "));
    CHECK(contains(message, text));
  }
  SECTION("rules that allow some devices") {
    bundle.config["linux"]["resources"]["devices"] =
        json::array({{{"allow", false}, {"access", "rwm"}},
                     {{"allow", true}, {"type", "c"}, {"major", 1}, {"minor", 3}, {"access", "rwm"}}});
    bundle.shell("echo x >/dev/null");
    REQUIRE_OK(container.run());
  }
}

TEST_CASE("rootless: limits in a cgroup that was delegated", "[rootless][cgroup]") {
  NEEDS_USER();
  if (!cgroup_v2()) SKIP_TEST("needs a host with cgroup v2 alone; make test-vm has it");
  Bundle bundle;
  UserContainer container(bundle);
  const DelegatedCgroup delegated(container.id());
  bundle.config["linux"].erase("cgroupsPath");
  bundle.config["linux"]["resources"]["pids"] = {{"limit", 21}};
  bundle.add_namespace("cgroup");
  bundle.remove_mount("/sys/fs/cgroup");
  bundle.add_mount({{"destination", "/sys/fs/cgroup"},
                    {"type", "cgroup"},
                    {"source", "cgroup"},
                    {"options", {"nosuid", "nodev", "noexec"}}});
  bundle.shell(
      "cat /sys/fs/cgroup/pids.max; mkdir /sys/fs/cgroup/own && echo made; rmdir /sys/fs/cgroup/own");
  bundle.save();
  RunOptions options;
  options.env = container.environment();
  const Result result =
      delegated.run_in({runtime_path(), "run", "--bundle", bundle.path(), container.id()}, options);
  REQUIRE_OK(result);
  CHECK(result.out == "21\nmade\n");
}

TEST_CASE("rootless: a lower oomScoreAdj is a warning", "[rootless][contract]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  bundle.process()["oomScoreAdj"] = -900;
  bundle.shell("cat /proc/self/oom_score_adj");
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.out != "-900\n");
  CHECK(contains(result.err, "oom_score_adj -900: permission denied (/process/oomScoreAdj), ignoring"));
}

TEST_CASE("rootless: without a pid namespace the maps are written all the same", "[rootless]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  bundle.remove_namespace("pid");
  bundle.remove_mount("/proc");
  bundle.add_mount({{"destination", "/proc"}, {"type", "bind"}, {"source", "/proc"}, {"options", {"rbind"}}});
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  bundle.shell("id -u");
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.out == "0\n");
}

TEST_CASE("rootless: root of an existing user namespace needs no other", "[rootless][userns]") {
  NEEDS_USER();
  Bundle bundle;
  bundle.shell("readlink /proc/self/ns/user; cat /proc/self/uid_map");
  Words prefix{"unshare", "--user", "--map-root-user"};
  std::string ranges, mapped = "0 1000 1\n";
  SECTION("with one id") {}
  SECTION("with ranges") {
    if (!has_newuidmap()) SKIP_TEST("newuidmap is not installed (Debian: uidmap)");
    prefix.push_back("--map-auto");
    ranges = "1000:200000:65536\n";  // unshare(1) takes no junk
    mapped = " 200000 ";
  }
  UserContainer container(bundle, ranges);
  const Result result =
      container.run(prefix + Words{"sh", "-c", "readlink /proc/self/ns/user; exec \"$@\"", "sh"});
  REQUIRE_OK(result);
  const std::vector<std::string> out = lines(result.out);
  REQUIRE(out.size() >= 3);
  CHECK(out[0] == out[1]);
  CHECK(contains(squeezed(result.out), mapped));
}

// As podman has it with slirp4netns: a network namespace of its user namespace's, while it is in the host's.
TEST_CASE("rootless: root of a user namespace joins namespaces that belong to it", "[rootless][userns]") {
  NEEDS_USER();
  Bundle bundle;
  const Path place = bundle.scratch() / "user" / "netns";
  bundle.shell("readlink /proc/self/ns/net");
  bundle.add_namespace("network", place);
  bundle.remove_mount("/sys");
  UserContainer container(bundle);
  Words prefix{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c"};
  prefix.push_back(
      "touch \"$1\" && unshare --net=\"$1\" readlink /proc/self/ns/net && shift && \"$@\" && readlink "
      "/proc/self/ns/net");
  const std::string host = std::filesystem::read_symlink("/proc/self/ns/net");
  const Result result = container.run(prefix + Words{"sh", place});
  REQUIRE_OK(result);
  const std::vector<std::string> out = lines(result.out);
  REQUIRE(out.size() == 3);
  CHECK(out[0] == out[1]);
  CHECK(out[2] == host);
  CHECK(out[0] != host);
}

TEST_CASE("rootless: spec --rootless is a configuration that runs", "[rootless][spec]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  const Path path = bundle.path();
  fs::remove(path / "config.json");
  REQUIRE(chown(path.c_str(), user, user) == 0);
  REQUIRE_OK(container.ocx({"spec", "--rootless", "--bundle", path}));
  bundle.config = parse_json(read_file(path / "config.json"));
  bundle.process()["terminal"] = false;
  bundle.shell("id -u; ls /sys/kernel >/dev/null && echo sys");
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.out == "0\nsys\n");
}

TEST_CASE("rootless: without XDG_RUNTIME_DIR state is kept in a directory of the user's own",
          "[rootless][state_root]") {
  NEEDS_USER();
  if (fs::exists("/run/user/1000")) SKIP_TEST("uid 1000 is logged in");
  Bundle bundle;
  UserContainer container(bundle);
  const Path root = "/tmp/ocx-1000";
  REQUIRE_FALSE(fs::exists(root));
  bundle.shell("true");
  bundle.save();
  const Words command{"run", "--bundle", bundle.path(), container.id()}, env{"PATH=/usr/bin:/bin"};
  SECTION("made, for nobody else") {
    REQUIRE_OK(container.ocx(command, {}, env));
    struct stat made {};
    REQUIRE(lstat(root.c_str(), &made) == 0);
    CHECK(made.st_uid == user);
    CHECK((made.st_mode & 07777) == 0700);
  }
  SECTION("somebody else's is refused") {
    REQUIRE(mkdir(root.c_str(), 0777) == 0);
    CHECK(contains(error_message(container.ocx(command, {}, env)), "is not a directory of mode 0700"));
  }
  SECTION("so is a link to the user's own") {
    fs::create_directory_symlink(container.runtime_directory(), root);
    CHECK(contains(error_message(container.ocx(command, {}, env)), "state root"));
    CHECK(fs::is_empty(container.runtime_directory()));
  }
  fs::remove_all(root);
}

TEST_CASE("rootless: an XDG_RUNTIME_DIR of somebody else's is an error with a remedy",
          "[rootless][state_root]") {
  NEEDS_USER();
  Bundle bundle;
  UserContainer container(bundle);
  const Path foreign = bundle.scratch() / "foreign";
  fs::create_directories(foreign);
  bundle.save();
  const std::string message =
      error_message(container.ocx({"run", "--bundle", bundle.path(), container.id()}, {},
                                  {"XDG_RUNTIME_DIR=" + foreign.string(), "PATH=/usr/bin:/bin"}));
  CHECK(contains(message, "permission denied; set XDG_RUNTIME_DIR to a directory that belongs to you"));
}
