// Attacks on identity, descriptors and the runtime's own executable. Each test tries the attack and looks at
// the victim.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "tests/integration/mount_table.hpp"

using namespace ocx::test;
namespace fs = std::filesystem;

namespace {

std::string digest(const Path& file) {
  Result result = run({"sha256sum", "-b", fs::canonical(file)});
  REQUIRE_OK(result);
  return result.out;
}

Path runtime_file() {
  Path path = runtime_path();
  if (path.is_absolute()) return path;
  Result found = run({"sh", "-c", "command -v " + path.string()});
  REQUIRE_OK(found);
  return found.out.substr(0, found.out.find('\n'));
}

}  // namespace

TEST_CASE("CVE-2016-3697: a user that is named like a number is no user id", "[security]") {
  Bundle bundle({"/bin/probe", "facts"});
  write_file(bundle.rootfs() / "etc/passwd", "1000:x:0:0::/:/bin/sh\nroot:x:0:0:root:/root:/bin/sh\n");
  write_file(bundle.rootfs() / "etc/group", "1000:x:0:\nroot:x:0:1000\n");
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  Container container(bundle);
  json facts = parse_json(container.output());
  CHECK(facts["uids"] == json({1000, 1000, 1000}));
  CHECK(facts["gids"] == json({1000, 1000, 1000}));
  CHECK(facts["groups"] == json::array());
}

TEST_CASE("CVE-2019-5736: the payload can't write to the runtime's executable", "[security]") {
  // The entry point executes the runtime again, inside the container; a program of the image opens what it
  // finds there.
  Bundle bundle;
  std::string before = digest(runtime_file());
  Path writer = bundle.rootfs() / "bin/entry";
  write_file(writer, "#!/proc/self/exe\n", 0755);
  bundle.args({"/bin/entry"});
  bundle.capabilities({"CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE", "CAP_FOWNER"});
  Container container(bundle);
  container.create();
  container.start();
  CHECK(digest(runtime_file()) == before);
}

TEST_CASE("CVE-2019-5736: what init runs from before the payload is not writable", "[security]") {
  Bundle bundle;
  bundle.capabilities({"CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE"});
  std::string before = digest(runtime_file());
  Container container(bundle);
  REQUIRE_OK(container.create());
  // Init waits at the gate: /proc/PID/exe is the runtime, here opened with all the power of the host's root.
  std::string exe = "/proc/" + std::to_string(container.pid()) + "/exe";
  for (int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC}) {
    Fd direct(open(exe.c_str(), flags | O_CLOEXEC));
    CHECK_FALSE(direct);
    Fd path(open(exe.c_str(), O_PATH | O_CLOEXEC));
    REQUIRE(path);
    Fd again(open(("/proc/self/fd/" + std::to_string(path.get())).c_str(), flags | O_CLOEXEC));
    CHECK_FALSE(again);
  }
  REQUIRE_OK(container.start());
  CHECK(fs::read_symlink(exe) == "/bin/probe");
  CHECK(digest(runtime_file()) == before);
}

TEST_CASE("CVE-2019-5736: the race for the runtime's executable is lost", "[security]") {
  // A process of a sibling in the same pid namespace looks for the runtime and opens it for writing as soon
  // as it is not busy.
  Bundle bundle;
  std::string before = digest(runtime_file());
  bundle.shell(
      "while :; do for exe in /proc/[0-9]*/exe; do "
      "case $(readlink $exe) in */ocx*|*runc*|*memfd*|*[Ss]ealed*) (echo pwned >> $exe) 2>/dev/null && echo "
      "wrote $exe;; "
      "esac; done; done");
  bundle.capabilities({"CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"});
  Container attacker(bundle);
  Result created = attacker.create();
  REQUIRE_OK(created);
  std::string pid_namespace = "/proc/" + std::to_string(attacker.pid()) + "/ns/pid";
  REQUIRE_OK(attacker.start());
  int joined = 0;
  for (int i = 0; i < 10; ++i) {
    Bundle victim({"/bin/probe", "exit", "0"});
    victim.add_namespace("pid", pid_namespace);
    Container container(victim);
    Result result = container.create();
    INFO(result.describe());
    CHECK(result.status == 0);
    if (result.status == 0) ++joined;
    container.start();
  }
  CHECK(joined > 0);
  attacker.kill("KILL");
  CHECK_FALSE(contains(created.out_now(), "wrote"));
  CHECK(digest(runtime_file()) == before);
}

TEST_CASE("CVE-2021-43784: thousands of id mappings, and very long paths, are handled or refused cleanly",
          "[security]") {
  Bundle bundle;
  bundle.use_user_namespace();
  json maps = json::array();
  for (int i = 0; i < 4500; ++i) maps.push_back({{"containerID", i}, {"hostID", 100000 + i}, {"size", 1}});
  bundle.config["linux"]["uidMappings"] = maps;
  bundle.config["linux"]["gidMappings"] = maps;
  check_refused(bundle, {});

  Bundle paths;
  paths.add_namespace("network", "/" + std::string(70000, 'a'));
  check_refused(paths, {});
  Bundle null;
  null.add_namespace("network", std::string("/proc/self/ns/net\0/x", 20));
  check_refused(null, {});
}

TEST_CASE("CVE-2022-24769, CVE-2022-29162: inheritable capabilities stay empty", "[security]") {
  Bundle bundle({"/bin/probe", "facts"});
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  bundle.capabilities({"CAP_NET_RAW", "CAP_SETUID", "CAP_KILL"});
  Container container(bundle);
  json status = parse_json(container.output())["status"];
  CHECK(status["CapInh"] == "0000000000000000");
  CHECK(status["CapAmb"] == "0000000000000000");
  CHECK(status["CapEff"] == "0000000000000000");
}

TEST_CASE("CVE-2024-21626: no working directory leads to a descriptor of the host", "[security]") {
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  Bundle bundle;
  bundle.shell("ls / /..; cat ../../../../etc/hostname-of-the-host");
  for (int number = 3; number <= 30; ++number) {
    std::string self = "/proc/self/fd/" + std::to_string(number);
    for (const std::string& cwd : {self, self + "/../../..", self + "/."}) {
      INFO(cwd);
      bundle.process()["cwd"] = cwd;
      Container container(bundle);
      Result created = container.create();
      CHECK(created.status != 0);
      CHECK(container.leftovers().empty());
    }
  }
}

TEST_CASE("CVE-2024-21626: nor through links of the image or the program's path", "[security]") {
  Bundle bundle;
  if (!runtime_is_ocx()) SKIP_TEST("runc 1.1.5 is vulnerable");
  write_file(bundle.scratch() / "marker", "host");
  for (int number = 3; number <= 30; number += 3) {
    std::string self = "/proc/self/fd/" + std::to_string(number);
    fs::remove(bundle.rootfs() / "link");
    fs::create_symlink(self, bundle.rootfs() / "link");
    INFO(self);
    bundle.process()["cwd"] = "/link";
    bundle.args({"/bin/probe", "facts"});
    {
      Container container(bundle);
      CHECK(container.create().status != 0);
    }
    bundle.process()["cwd"] = "/";
    for (const std::string& program :
         {self + "/../bin/sh", self + "/../../../../bin/sh", self + "/bin/sh", self}) {
      bundle.args({program, "-c", "true"});
      Container container(bundle);
      Result created = container.create();
      // What is found at create may be gone at exec: then start says so.
      CHECK((created.status != 0 || container.start().status != 0));
    }
  }
}

TEST_CASE("CVE-2024-21626: a descriptor of the caller is no way out either", "[security]") {
  Fd host(open("/", O_RDONLY | O_DIRECTORY));
  Bundle bundle({"/bin/probe", "facts"});
  RunOptions options;
  for (int number = 3; number <= 12; ++number) options.fds[number] = host.get();
  for (const char* cwd : {"/proc/self/fd/3", "/proc/self/fd/7", "/proc/self/fd/12"}) {
    bundle.process()["cwd"] = cwd;
    Container container(bundle);
    Result created = container.create({}, options);
    CHECK(created.status != 0);
  }
  bundle.process()["cwd"] = "/";
  Container container(bundle);
  Result created = container.create({}, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(parse_json(created.out_now())["open_fds"] == json({0, 1, 2}));
}

TEST_CASE("CVE-2024-21626: the payload has its three descriptors and no other", "[security]") {
  Bundle bundle;
  json facts = payload_facts(bundle);
  CHECK(facts["open_fds"] == json({0, 1, 2}));
}

TEST_CASE("a working directory outside of the root is refused", "[security]") {
  Bundle bundle({"/bin/probe", "facts"});
  fs::create_symlink("../../../../../../../../" + bundle.scratch().string(), bundle.rootfs() / "climbing");
  bundle.process()["cwd"] = "/climbing";
  Container container(bundle);
  Result created = container.create();
  if (created.status == 0) {
    REQUIRE_OK(container.start());
    container.wait_exit();
    // The link leads inside the root: to a directory that was made there.
    CHECK(fs::is_directory(bundle.rootfs() / bundle.scratch().relative_path()));
  }
  CHECK(names_in(bundle.scratch()).empty());
}
