// What a hostile container can do to whoever execs into it.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

namespace {

/// OCX_TEST_HUNTS: how many processes run past the attacker.
int hunts() {
  const char* text = std::getenv("OCX_TEST_HUNTS");
  return text == nullptr ? 50 : std::atoi(text);
}

/// A process that has joined, and waits for its terminal to be taken, until the attacker has met it.
void hold_until_met(Running& running, const Path& report, size_t met) {
  DescriptorSocket socket(running.container.bundle().scratch() / ("console" + std::to_string(met)), 0);
  const Fd first = socket.connect();
  const Path pid_file = running.container.bundle().scratch() / "pid";
  Child exec = running.spawn({"--tty", "--detach", "--pid-file", pid_file, "--console-socket", socket.path},
                             {"/bin/probe", "exit", "0"});
  wait_for_lines(report, met + 1);  // the first line is "ready"
  socket.drop();
  const Fd terminal = socket.receive();  // its end would be a SIGHUP
  REQUIRE_OK(exec.wait());
  wait_and_reap(std::stoi(read_file(pid_file)));
}

void check_hunt(Bundle& bundle) {
  const Path report = bundle.rootfs() / "tmp/report";
  bundle.args({"/bin/probe", "hunt", "/tmp/report"});
  Running running(bundle);
  wait_for_file(report);
  for (size_t met = 1; met <= 5; ++met) hold_until_met(running, report, met);
  for (int i = 0; i < hunts(); ++i) REQUIRE(running.exec({}, {"/bin/probe", "exit", "0"}).status == 0);
  REQUIRE_OK(running.container.kill("KILL"));
  running.container.wait_exit();
  INFO(read_file(report));
  const auto said = lines(read_file(report));
  for (size_t i = 1; i < said.size(); ++i) CHECK(said[i] == "met one");
}

}  // namespace

TEST_CASE("nothing inside gets hold of a process that joins", "[exec][security]") {
  ONLY_OCX("runc is slow");
  Bundle bundle;
  std::filesystem::permissions(bundle.rootfs() / "tmp", std::filesystem::perms::all);
  check_hunt(bundle);
}

TEST_CASE("nothing inside a user namespace gets hold of a process that joins", "[exec][security][userns]") {
  ONLY_OCX("runc is slow");
  Bundle bundle;
  bundle.use_user_namespace();
  bundle.capabilities({"CAP_SYS_PTRACE", "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_KILL"});
  check_hunt(bundle);
}

TEST_CASE("exec of #!/proc/self/exe does not reach the runtime's file (CVE-2019-5736)", "[exec][security]") {
  Bundle bundle;
  write_file(bundle.rootfs() / "bin/evil", "#!/proc/self/exe\n", 0755);
  const auto before = std::filesystem::last_write_time(runtime_path());
  Running running(bundle);
  Child writer = running.spawn(
      {}, {"/bin/sh", "-c",
           "echo ready > /tmp/ready; n=0; while test $n -lt 300; do n=$((n+1)); for p in /proc/[0-9]*; do "
           "echo overwritten 2>/dev/null > $p/exe; done; done"});
  wait_for_file(bundle.rootfs() / "tmp/ready");
  for (int i = 0; i < 10; ++i) running.exec({}, {"/bin/evil"});
  ::kill(writer.pid(), SIGKILL);
  writer.wait();
  const bool untouched = std::filesystem::last_write_time(runtime_path()) == before;
  REQUIRE(untouched);
}

TEST_CASE("exec does not start outside of the root (CVE-2024-21626)", "[exec][security][fds]") {
  Bundle bundle;
  Running running(bundle);
  const Fd directory(::open("/", O_RDONLY | O_DIRECTORY));
  RunOptions options;
  options.fds = {{7, directory.get()}};
  for (int number = 3; number < 16; ++number) {
    const std::string link = "/proc/self/fd/" + std::to_string(number);
    INFO(link);
    // One that is the container's own root is as good as "/".
    for (const std::string& place : {link, link + "/../.."})
      CHECK(running.exec({"--cwd", place}, {"/bin/busybox", "test", "-x", "bin/probe"}, options).status != 1);
    CHECK(running.exec({}, {link + "/bin/bash", "-c", "true"}, options).status != 0);
  }
}

TEST_CASE("exec never joins a process that got init's pid", "[exec][security]") {
  ONLY_OCX("the record is ocx's");
  Bundle bundle;
  Running running(bundle);
  const Path record = running.container.state_directory() / "state.json";
  const std::string original = read_file(record);
  json changed = parse_json(original);
  changed["init_process_start"] = changed["init_process_start"].get<std::uint64_t>() + 1;
  write_file(record, changed.dump(), 0600);
  const Result result = running.exec({}, {"true"});
  CHECK(result.status == 255);
  CHECK(contains(error_message(result), "cannot exec in a stopped container"));
  write_file(record, original, 0600);
}

TEST_CASE("exec reads no file of /proc through the container", "[exec][security]") {
  Bundle bundle;
  bundle.add_namespace("cgroup");
  bundle.capabilities({"CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID"});
  bundle.process()["oomScoreAdj"] = 150;
  bundle.config["linux"].erase("maskedPaths");
  bundle.config["linux"].erase("readonlyPaths");
  std::filesystem::create_directories(bundle.rootfs() / "fake/self/attr");
  for (const char* file : {"self/oom_score_adj", "self/uid_map", "self/setgroups", "self/attr/exec"})
    write_file(bundle.rootfs() / "fake" / file, "untouched");
  SECTION("another directory is there") {
    bundle.shell("mount --bind /fake /proc && echo ready >/tmp/ready; exec /bin/probe pause");
  }
  SECTION("nothing is there") {
    bundle.shell("umount -l /proc; echo ready >/tmp/ready; exec /bin/probe pause");
  }
  Running running(bundle);
  wait_for_file(bundle.rootfs() / "tmp/ready");
  for (const Words& flags : {Words{}, {"--user", "1000:1000"}, {"--apparmor", "unconfined"}}) {
    const Result result = running.shell("id -u; exit 7", flags);
    INFO(result.describe());
    CHECK(result.status == 7);
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(bundle.rootfs() / "fake"))
    if (entry.is_regular_file()) CHECK(read_file(entry.path()) == "untouched");
  const Path pid_file = bundle.scratch() / "pid";
  REQUIRE_OK(running.exec({"--detach", "--pid-file", pid_file}, {"/bin/sleep", "1000"}));
  const std::string pid = read_file(pid_file);
  CHECK(read_file("/proc/" + pid + "/oom_score_adj") == "150\n");
  REQUIRE(::kill(std::stoi(pid), SIGKILL) == 0);
  wait_and_reap(std::stoi(pid));
}

TEST_CASE("exec goes where init is, also when that has unshared", "[exec][security][namespaces]") {
  Bundle bundle;
  bundle.capabilities({"CAP_SYS_ADMIN", "CAP_SYS_CHROOT"});
  bundle.shell(
      "exec unshare -m -u /bin/sh -c 'hostname moved; mount -t tmpfs none /mnt && echo here >/mnt/file;"
      "echo ready >/tmp/ready; exec /bin/probe pause'");
  std::filesystem::create_directories(bundle.rootfs() / "mnt");
  Running running(bundle);
  wait_for_file(bundle.rootfs() / "tmp/ready");
  const Result result = running.shell("hostname; cat /mnt/file");
  REQUIRE_OK(result);
  CHECK(result.out == "moved\nhere\n");
}

TEST_CASE("an /etc/passwd that is no file does not stop exec", "[exec][security]") {
  ONLY_OCX("others open it");
  Bundle bundle;
  const Path passwd = bundle.rootfs() / "etc/passwd";
  std::filesystem::remove(passwd);
  SECTION("a fifo") {
    REQUIRE(mkfifo(passwd.c_str(), 0666) == 0);
  }
  SECTION("a link to something endless") {
    std::filesystem::create_symlink("/dev/zero", passwd);
  }
  SECTION("a link to a descriptor of the runtime's") {
    std::filesystem::create_symlink("/proc/self/fd/0", passwd);
  }
  Running running(bundle);
  RunOptions options;
  options.input = "x:x:0:0::/from-outside:\n";
  const Result result = running.exec({}, {"/bin/sh", "-c", "echo $HOME"}, options);
  REQUIRE_OK(result);
  CHECK(result.out == "/\n");
}

TEST_CASE("exec while init ends: the program has run, or an error of one line says so", "[exec][security]") {
  ONLY_OCX("the words are ocx's");
  int refused = 0;
  for (int round = 0; round < 12; ++round) {
    Bundle bundle;
    Running running(bundle);
    std::vector<Child> children;
    for (int i = 0; i < 4; ++i) children.push_back(running.spawn({}, {"/bin/true"}));
    ::usleep(static_cast<useconds_t>(round) * 1000);  // not to wait, but to meet exec at another place
    REQUIRE(::kill(running.container.pid(), SIGKILL) == 0);
    for (Child& child : children) {
      const Result result = child.wait();
      INFO(result.describe());
      if (result.status == 0 || result.status == 128 + SIGKILL) continue;
      REQUIRE(result.status == 255);
      const std::string message = error_message(result);
      ++refused;
      CHECK((contains(message, "cannot exec in a stopped container") ||
             contains(message, "ended before its program began, by signal 9")));
    }
    running.container.wait_exit();
    CHECK(adopted_children().empty());
  }
  CHECK(refused > 0);
}
