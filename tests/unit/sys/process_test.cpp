#include "sys/process.hpp"

#include <catch2/catch.hpp>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cerrno>
#include <fstream>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/spawn.hpp"
#include "tests/unit/forked.hpp"

using namespace ocx;
using namespace ocx::sys;
using ocx::test::forked;

namespace {

CloneResult child_that_exits(int code) {
  CloneResult child = clone3(0);
  if (child.pid == 0) ::_exit(code);
  return child;
}

CloneResult child_that_waits() {
  CloneResult child = clone3(0);
  while (child.pid == 0) ::pause();
  return child;
}

void ignore_it(int) {}

}  // namespace

TEST_CASE("clone3 gives a pidfd that tells how the child ended") {
  const CloneResult exits = child_that_exits(7);
  const ExitStatus status = wait_for_child(exits.pidfd);
  CHECK(status.code == 7);
  CHECK(status.signal == 0);
  CHECK(status.shell_status() == 7);

  const CloneResult waits = child_that_waits();
  CHECK_FALSE(try_wait_for_child(waits.pidfd));
  CHECK_FALSE(pidfd_wait(waits.pidfd, 20));
  CHECK(pidfd_send_signal(waits.pidfd, SIGKILL));
  CHECK(pidfd_wait(waits.pidfd, -1));
  CHECK(wait_for_child(waits.pidfd).shell_status() == 128 + SIGKILL);
  CHECK_FALSE(pidfd_send_signal(waits.pidfd, SIGKILL));
  CHECK_FALSE(try_pidfd_open(waits.pid));
  CHECK_THROWS_WITH(pidfd_open(waits.pid),
                    Catch::Contains("pidfd_open") && Catch::Contains("no such process"));
}

TEST_CASE("clone3: handlers of the parent are gone in the child, namespaces are new") {
  struct sigaction action {
  }, saved{};
  action.sa_handler = ignore_it;
  ::sigaction(SIGUSR1, &action, &saved);
  CloneResult child = clone3(CLONE_NEWUTS);
  if (child.pid == 0) {
    struct sigaction now {};
    ::sigaction(SIGUSR1, nullptr, &now);
    sethostname("elsewhere");
    ::_exit(now.sa_handler == SIG_DFL ? 0 : 1);
  }
  CHECK(wait_for_child(child.pidfd).code == 0);
  ::sigaction(SIGUSR1, &saved, nullptr);
  utsname names{};
  ::uname(&names);
  CHECK(std::string(names.nodename) != "elsewhere");
}

TEST_CASE("clone3: an error names the namespaces") {
  CHECK_THROWS_WITH(clone3(CLONE_NEWUSER | CLONE_FS),
                    Catch::Contains("clone3 CLONE_NEWUSER: invalid argument"));
}

TEST_CASE("setns: a time namespace can be joined right after a spawn") {
  const UniqueFd own = openat(FdRef::cwd(), "/proc/self/ns/time", O_RDONLY);
  const UniqueFd null = openat(FdRef::cwd(), "/dev/null", O_RDWR);
  for (int round = 0; round < 2000; ++round) {
    const Spawned child = spawn({"/bin/true", {"true"}, {}, "/"}, null, null, null);
    REQUIRE(child.error_number == 0);
    CHECK_NOTHROW(setns(own, CLONE_NEWTIME));
    wait_for_child(child.pidfd);
  }
}

TEST_CASE("process_stat is not fooled by the name") {
  const std::string text = forked([] {
    ::prctl(PR_SET_NAME, "x) Z 1 2 3");
    const ProcessStat stat = process_stat(::getpid()).value();
    std::ifstream file("/proc/self/stat");
    std::string all((std::istreambuf_iterator<char>(file)), {});
    all.erase(0, all.rfind(')') + 2);
    std::size_t at = 0;
    for (int i = 3; i < 22; ++i) at = all.find(' ', at) + 1;
    const bool same = std::to_string(stat.start_time) == all.substr(at, all.find(' ', at) - at);
    return std::string(1, stat.state) + (same ? " same" : " differs");
  });
  CHECK(text == "R same");
  CHECK_FALSE(process_stat(::getpid())->exiting);
  const CloneResult gone = child_that_exits(0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(gone.pid), &info, WEXITED | WNOWAIT) == 0);
  CHECK(process_stat(gone.pid)->exiting);
  wait_for_child(gone.pidfd);
  CHECK_FALSE(process_stat(gone.pid));
}

TEST_CASE("close_range closes or marks, from the first to the last") {
  const std::string text = forked([] {
    for (int fd = 10; fd <= 13; ++fd) ::dup2(0, fd);
    close_range(11, 11, false);
    close_range(12, 12, true);
    std::string out;
    for (int fd = 10; fd <= 13; ++fd) out += std::to_string(::fcntl(fd, F_GETFD)) + " ";
    return out;
  });
  CHECK(text == "0 -1 1 0 ");
}

TEST_CASE("occupy_closed keeps later opens out of the range, and what it makes ends at exec") {
  const std::string text = forked([] {
    for (int fd = 3; fd <= 8; ++fd) ::close(fd);
    ::dup2(0, 4);
    occupy_closed(3, 5);
    const UniqueFd later = openat(FdRef::cwd(), "/", O_PATH);
    std::string out = "next " + std::to_string(later.ref().raw());
    for (int fd = 3; fd <= 5; ++fd) out += " " + std::to_string(::fcntl(fd, F_GETFD));
    return out;
  });
  CHECK(text == "next 6 1 0 1");
}

TEST_CASE("occupy_closed ends at the limit of open files") {
  CHECK(forked([] {
          const rlimit limit{64, 64};
          ::setrlimit(RLIMIT_NOFILE, &limit);
          occupy_closed(3, ~0U);
          return std::string("ended");
        }) == "ended");
}

TEST_CASE("open_missing_stdio fills only what is closed") {
  const std::string text = forked([] {
    ::close(0);
    ::close(2);
    open_missing_stdio();
    return readlinkat(FdRef::cwd(), "/proc/self/fd/0") + " " + readlinkat(FdRef::cwd(), "/proc/self/fd/2");
  });
  CHECK(text == "/dev/null /dev/null");
}

TEST_CASE("current_directory_in_root sees a directory above the root (CVE-2024-21626)") {
  const std::string text = forked([] {
    char path[] = "/tmp/ocx-test-XXXXXX";
    if (::mkdtemp(path) == nullptr) return std::string("mkdtemp");
    const UniqueFd outside = openat(FdRef::cwd(), "/usr", O_PATH | O_DIRECTORY);
    const UniqueFd parent = openat(FdRef::cwd(), "/tmp", O_PATH | O_DIRECTORY);
    sys::chroot(path);
    sys::fchdir(outside);
    std::string out = current_directory_in_root() ? "in " : "out ";
    out += try_chdir("/") == 0 && current_directory_in_root() ? "in " : "out ";
    out += std::to_string(try_chdir("/missing"));
    unlinkat(parent, std::string(path).substr(5), AT_REMOVEDIR);
    return out + (current_directory_in_root() ? " in" : " out");
  });
  CHECK(text.substr(0, 8) == "out in 2");
}

TEST_CASE("capabilities: sets above 32 bits, bounding set, the kernel's last one") {
  std::ifstream file("/proc/sys/kernel/cap_last_cap");
  unsigned last = 0;
  file >> last;
  CHECK(last_capability() == last);
  const std::string text = forked([] {
    const std::uint64_t kept = 1ULL << CAP_CHOWN | 1ULL << CAP_BPF | 1ULL << CAP_SETPCAP;
    sys::bounding_drop(CAP_SYS_BOOT);
    sys::capset({kept, kept, 1ULL << CAP_BPF});
    const CapabilitySets now = sys::capget();
    return std::string(now.effective == kept && now.permitted == kept && now.inheritable == 1ULL << CAP_BPF
                           ? "yes"
                           : "no") +
           (bounding_has(CAP_SYS_BOOT) ? " has" : " dropped") +
           (bounding_has(CAP_CHOWN) ? " has" : " dropped");
  });
  CHECK(text == "yes dropped has");
}

TEST_CASE("errors name the call and its arguments") {
  CHECK(forked([]() -> std::string { return setresuid(static_cast<uid_t>(-1)), "ok"; }) ==
        "ok");  // -1: unchanged
  CHECK(forked([]() -> std::string { return setns(standard_input, CLONE_NEWNET), ""; }) ==
        "error: setns CLONE_NEWNET: invalid argument");
  CHECK(forked([]() -> std::string { return sys::chdir("/no\nsuch"), ""; }) ==
        "error: chdir \"/no\\nsuch\": no such file or directory");
  CHECK(forked([]() -> std::string {
          const CapabilitySets all = sys::capget();
          const std::uint64_t without = all.effective & ~(1ULL << CAP_SYS_RESOURCE);
          sys::capset({without, without, 0});
          sys::prlimit(0, RLIMIT_CORE, 1, 1);
          sys::prlimit(0, RLIMIT_CORE, 1, RLIM64_INFINITY);
          return "";
        }) == "error: prlimit RLIMIT_CORE soft=1 hard=unlimited: operation not permitted");
  CHECK(forked([]() -> std::string {
          sys::prlimit(0, RLIMIT_CORE, 0, 1);
          const Limits limits = get_prlimit(0, RLIMIT_CORE);
          return std::to_string(limits.soft) + " " + std::to_string(limits.hard);
        }) == "0 1");
}

TEST_CASE("scheduling, i/o priority and personality reach the kernel") {
  const std::string text = forked([] {
    SchedAttributes attributes;
    attributes.policy = SCHED_BATCH;
    attributes.nice = 5;
    sched_setattr(0, attributes);
    sys::setsid();
    ioprio_set_group(::getpid(), 2, 6);
    sys::personality(0x0008);
    utsname names{};
    ::uname(&names);
    return std::to_string(::sched_getscheduler(0)) + " " + std::to_string(::getpriority(PRIO_PROCESS, 0)) +
           " " + std::to_string(::syscall(SYS_ioprio_get, 1, 0)) + " " +
           (std::string(names.machine) == "x86_64" ? "64" : "32");
  });
#ifdef __x86_64__
  CHECK(text == "3 5 16390 32");
#else
  CHECK(text.substr(0, 9) == "3 5 16390");
#endif
}

TEST_CASE("execve and execveat give errno back, or run the program with that argv and envp") {
  const Argv none({});
  CHECK(sys::execve("/no/such/program", none, none) == ENOENT);
  const CloneResult child = clone3(0);
  if (child.pid == 0) {
    const UniqueFd file = openat(FdRef::cwd(), "/bin/sh", O_PATH);
    const std::vector<std::string> words = {"sh", "-c", R"(exit "$CODE$1")", "sh", "3"}, env = {"CODE=1"};
    execveat(file, Argv(words), Argv(env));
    ::_exit(99);
  }
  CHECK(wait_for_child(child.pidfd).code == 13);
}

TEST_CASE("kill_process_group reaches the group; an empty one is no error") {
  const CloneResult child = clone3(0);
  if (child.pid == 0) {
    ::setpgid(0, 0);
    while (true) ::pause();
  }
  ::setpgid(child.pid, child.pid);
  kill_process_group(child.pid, SIGTERM);
  CHECK(wait_for_child(child.pidfd).signal == SIGTERM);
  CHECK_NOTHROW(kill_process_group(child.pid, SIGTERM));
}
