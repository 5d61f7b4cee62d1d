#include "runtime/hooks.hpp"

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "tests/unit/forked.hpp"

using namespace ocx;
using ocx::runtime::HookContext;
using ocx::test::forked;

namespace {

/// A directory for what hooks write.
class Scratch {
 public:
  Scratch() {
    char path[] = "/tmp/ocx-test-XXXXXX";
    if (::mkdtemp(path) == nullptr) throw_errno("mkdtemp");
    path_ = path;
  }
  ~Scratch() {
    const sys::UniqueFd fd = sys::openat(sys::FdRef::cwd(), path_, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : sys::list_directory(fd)) sys::try_unlinkat(fd, name);
    ::rmdir(path_.c_str());
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

spec::Hook shell(const std::string& script) {
  spec::Hook hook;
  hook.path = "/bin/sh";
  hook.args = {"sh", "-c", script};
  return hook;
}

HookContext context(const char* kind = "createRuntime") {
  HookContext made;
  made.kind = kind;
  made.state.id = "c1";
  made.state.pid = 4321;
  made.state.bundle = "/bundle";
  return made;
}

std::string failure(const std::vector<spec::Hook>& hooks, const HookContext& where = context()) {
  try {
    runtime::run_hooks(hooks, where);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

double seconds_of(const std::vector<spec::Hook>& hooks) {
  const auto start = std::chrono::steady_clock::now();
  runtime::run_hooks(hooks, context());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("hooks run in order with the state on stdin, in their directory") {
  const Scratch scratch;
  HookContext where = context();
  where.directory = scratch.path();
  runtime::run_hooks({shell("cat > state; echo 1 >> order"), shell("echo 2 >> order; pwd >> order")}, where);
  CHECK(scratch.read("order") == "1\n2\n" + scratch.path() + "\n");
  CHECK(scratch.read("state") == spec::write_hook_state(where.state));
}

TEST_CASE("a hook's argv, and its environment to the letter") {
  const Scratch scratch;
  spec::Hook hook = shell("tr '\\0' '\\n' < /proc/self/environ > " + scratch / "env" + "; echo \"$0\" > " +
                          scratch / "name");
  hook.args[0] = "whatever";
  hook.args.push_back("zero");
  HookContext where = context();

  SECTION("absent: empty") {
    runtime::run_hooks({hook}, where);
    CHECK(scratch.read("env").find("PATH=/usr") == std::string::npos);
    CHECK(scratch.read("env").find("HOME=") == std::string::npos);
  }
  SECTION("absent: the default") {
    where.default_env = {"A=1"};
    runtime::run_hooks({hook}, where);
    CHECK(scratch.read("env").find("A=1\n") != std::string::npos);
  }
  SECTION("given: only that") {
    where.default_env = {"A=1"};
    hook.env = std::vector<std::string>{"B=2"};
    runtime::run_hooks({hook}, where);
    CHECK(scratch.read("env").find("B=2\n") != std::string::npos);
    CHECK(scratch.read("env").find("A=1") == std::string::npos);
  }
  CHECK(scratch.read("name") == "zero\n");
}

TEST_CASE("a failing hook stops the list; its status and output are in the error") {
  const Scratch scratch;
  const std::string text = failure({shell("true"), shell("echo out; echo one >&2; echo two >&2; exit 3"),
                                    shell("touch " + scratch / "third")});
  CHECK(text ==
        "error running createRuntime hook #1: exit status 3, stdout: out, stderr: one two "
        "(/hooks/createRuntime/1)");
  CHECK_FALSE(sys::fstatat(sys::FdRef::cwd(), scratch / "third"));
  CHECK(failure({shell("kill -9 $$")}) ==
        "error running createRuntime hook #0: signal 9 (SIGKILL) (/hooks/createRuntime/0)");
}

TEST_CASE("what can't be executed is named with errno, and the missing interpreter behind ENOENT") {
  spec::Hook hook;
  hook.path = "/no/hook";
  CHECK(failure({hook}) ==
        "error running createRuntime hook #0: exec \"/no/hook\": no such file or directory "
        "(/hooks/createRuntime/0)");
  const Scratch scratch;
  std::ofstream(scratch / "script") << "#!/no/interpreter\n";
  ::chmod((scratch / "script").c_str(), 0755);
  hook.path = scratch / "script";
  CHECK_THAT(failure({hook}), Catch::Contains("its #! interpreter \"/no/interpreter\" is missing"));
  HookContext where = context();
  where.directory = "/no/directory";
  CHECK_THAT(failure({shell("true")}, where),
             Catch::Contains("chdir \"/no/directory\": no such file or directory"));
}

TEST_CASE("a hook over its time limit is killed with all its group") {
  const Scratch scratch;
  spec::Hook hook = shell("sleep 1000 & echo $! > " + scratch / "pid" + "; echo busy; wait");
  hook.timeout = 1;
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure({hook}) ==
        "error running createRuntime hook #0: timed out after 1 s, stdout: busy (/hooks/createRuntime/0)");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  const std::string pid = scratch.read("pid");
  const std::optional<sys::UniqueFd> pidfd = sys::try_pidfd_open(std::stoi(pid));
  CHECK((!pidfd || sys::pidfd_wait(*pidfd, 10'000)));
}

TEST_CASE("a hook that does not read its stdin is no trouble, however large the state") {
  HookContext where = context();
  where.state.annotations["large"] = std::string(300'000, 'x');
  CHECK_NOTHROW(runtime::run_hooks({shell("true"), shell("exec <&-; sleep 0.1")}, where));
  const Scratch scratch;
  CHECK_NOTHROW(runtime::run_hooks({shell("sleep 0.1; wc -c > " + scratch / "size")}, where));
  CHECK(std::stoul(scratch.read("size")) == spec::write_hook_state(where.state).size());
}

TEST_CASE("output of any size doesn't block the hook; its end is what the error shows") {
  const std::string text = failure({shell("yes | head -c 1000000; echo the end >&2; echo last; exit 1")});
  CHECK(text.size() < 6000);
  CHECK_THAT(text, Catch::Contains("last, stderr: the end"));
}

TEST_CASE("a daemon that keeps the output pipes open delays nothing") {
  const Scratch scratch;
  CHECK(seconds_of({shell("sleep 1000 & echo $! > " + scratch / "pid")}) < 30);
  ::kill(std::stoi(scratch.read("pid")), SIGKILL);
  CHECK(seconds_of({shell("yes & echo $! > " + scratch / "pid")}) < 30);
  ::kill(std::stoi(scratch.read("pid")), SIGKILL);
}

TEST_CASE("hooks get three descriptors, no blocked and no ignored signals, a process group of their own") {
  const Scratch scratch;
  const std::string text = forked([&] {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    ::dup2(0, 50);  // not close-on-exec
    runtime::run_hooks(
        {shell("ls /proc/$$/fd | tr '\\n' ' '  > " + scratch / "out" +
               "; grep -E 'SigBlk|SigIgn' /proc/$$/status | tr -d '\\n' >> " + scratch / "out" +
               "; read pid comm state ppid pgrp rest < /proc/$$/stat; [ $pid = $pgrp ] && echo own >> " +
               scratch / "out")},
        context());
    return std::string("done");
  });
  CHECK(text == "done");
  CHECK_THAT(scratch.read("out"), Catch::StartsWith("0 1 2") &&
                                      Catch::Contains("SigBlk:\t0000000000000000") && Catch::Contains("own"));
  // 32 and 33 are the C library's own and out of reach of posix_spawn.
  const std::string out = scratch.read("out");
  const std::size_t ignored = out.find("SigIgn:\t");
  REQUIRE(ignored != std::string::npos);
  CHECK((std::stoull(out.substr(ignored + 8, 16), nullptr, 16) & ~0x180000000ULL) == 0);
  CHECK(scratch.read("out").find("50") == std::string::npos);
}

TEST_CASE("poststop: failures are no errors and the rest run") {
  const Scratch scratch;
  runtime::run_hooks_ignoring_failures({shell("exit 1"), shell("touch " + scratch / "second")},
                                       context("poststop"));
  CHECK(sys::fstatat(sys::FdRef::cwd(), scratch / "second"));
}
