// linux.seccomp on the real kernel: actions, conditions, flags, order, the ENOSYS tail, the cache.
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "tests/harness/container.hpp"
#include "tests/integration/seccomp_profile.hpp"

using namespace ocx::test;

namespace {

using Lines = std::vector<std::string>;

/// What `probe syscall` says to these calls in a container with this filter.
Lines answers(const json& seccomp, const Lines& calls) {
  Bundle bundle;
  bundle.config["linux"]["seccomp"] = seccomp;
  Lines args{"/bin/probe", "syscall"};
  args.insert(args.end(), calls.begin(), calls.end());
  bundle.args(args);
  Container container(bundle);
  return lines(container.output());
}

std::string text(long number) {
  return std::to_string(number);
}

size_t count(const std::string& where, const std::string& what) {
  size_t found = 0;
  for (size_t at = where.find(what); at != std::string::npos; at = where.find(what, at + 1)) ++found;
  return found;
}

constexpr const char* compiled = "seccomp: compiled a filter";

/// Runs the container once more; how many filters were compiled.
size_t compilations(Container& container) {
  container.bundle().save();
  Result result =
      container.command({"--debug", "run", "--bundle", container.bundle().path(), container.id()});
  REQUIRE_OK(result);
  REQUIRE(lines(result.out) == Lines{"EDOM"});
  return count(result.err, compiled);
}

Path cache_file(Container& container) {
  for (const auto& entry : std::filesystem::directory_iterator(container.root() / ".cache:seccomp"))
    return entry.path();
  FAIL("no file in the cache");
  return {};
}

}  // namespace

TEST_CASE("seccomp: what each action does", "[seccomp]") {
  const json profile = {
      {"defaultAction", "SCMP_ACT_ALLOW"},
      {"syscalls",
       {seccomp_rule({"times"}, "SCMP_ACT_KILL_PROCESS"), seccomp_rule({"sysinfo"}, "SCMP_ACT_KILL_THREAD"),
        seccomp_rule({"getrusage"}, "SCMP_ACT_KILL"), seccomp_rule({"uname"}, "SCMP_ACT_TRAP"),
        seccomp_rule({"getcwd"}, "SCMP_ACT_ERRNO"), seccomp_rule({"getpgid"}, "SCMP_ACT_ERRNO", 33),
        seccomp_rule({"getsid"}, "SCMP_ACT_ERRNO", 0), seccomp_rule({"sync"}, "SCMP_ACT_TRACE", 7),
        seccomp_rule({"getppid"}, "SCMP_ACT_LOG"), seccomp_rule({"getuid"}, "SCMP_ACT_ALLOW")}}};
  // Nobody traces: a traced call is one the kernel does not have.
  CHECK(
      answers(profile, {text(SYS_times), text(SYS_sysinfo), text(SYS_getrusage), text(SYS_uname),
                        text(SYS_getcwd), text(SYS_getpgid) + ":999999", text(SYS_getsid) + ":999999",
                        text(SYS_sync), text(SYS_getppid), text(SYS_getuid)}) ==
      Lines{"signal 31", "signal 31", "signal 31", "signal 31", "EPERM", "EDOM", "ok", "ENOSYS", "ok", "ok"});
}

TEST_CASE("seccomp: defaults, and calls newer than the profile", "[seccomp]") {
  const Lines calls{text(SYS_getcwd), text(SYS_getpgid) + ":0", "470", "999"};
  json profile = allow_list({"getpgid"});
  CHECK(answers(profile, calls) == Lines{"EPERM", "ok", "ENOSYS", "ENOSYS"});
  profile["defaultErrnoRet"] = 33;
  CHECK(answers(profile, calls) == Lines{"EDOM", "ok", "ENOSYS", "ENOSYS"});
  profile.erase("defaultErrnoRet");
  profile["defaultAction"] = "SCMP_ACT_KILL_PROCESS";
  CHECK(answers(profile, calls) == Lines{"signal 31", "ok", "ENOSYS", "ENOSYS"});
  profile["defaultAction"] = "SCMP_ACT_LOG";
  profile["syscalls"] = {seccomp_rule({"getcwd"}, "SCMP_ACT_ERRNO", 33)};
  CHECK(answers(profile, {text(SYS_getcwd), text(SYS_getpgid) + ":0"}) == Lines{"EDOM", "ok"});
}

TEST_CASE("seccomp: conditions on arguments", "[seccomp]") {
  struct Row {
    const char* op;
    std::uint64_t value, value_two;
    Lines hits, misses;
  };
  const Row rows[] = {{"SCMP_CMP_EQ", 0x100000002, 0, {"0x100000002"}, {"2", "0x200000002"}},
                      {"SCMP_CMP_NE", 5, 0, {"4", "0x100000005"}, {"5"}},
                      {"SCMP_CMP_LT", 0x100000000, 0, {"0", "0xffffffff"}, {"0x100000000"}},
                      {"SCMP_CMP_LE", 0x100000000, 0, {"0x100000000"}, {"0x100000001"}},
                      {"SCMP_CMP_GT", 0x100000000, 0, {"0x100000001"}, {"0x100000000", "7"}},
                      {"SCMP_CMP_GE", 0x100000000, 0, {"0x100000000"}, {"0xffffffff"}},
                      {"SCMP_CMP_MASKED_EQ", 0xf0, 0x30, {"0x30", "0x13f"}, {"0x40", "0"}}};
  for (const Row& row : rows) {
    INFO(row.op);
    json rule = seccomp_rule({"getpgid"}, "SCMP_ACT_ERRNO", 33);
    rule["args"] = {{{"index", 1}, {"value", row.value}, {"valueTwo", row.value_two}, {"op", row.op}}};
    Lines calls, wanted;
    for (const std::string& hit : row.hits) {
      calls.push_back(text(SYS_getpgid) + ":0:" + hit);
      wanted.emplace_back("EDOM");
    }
    for (const std::string& miss : row.misses) {
      calls.push_back(text(SYS_getpgid) + ":0:" + miss);
      wanted.emplace_back("ok");
    }
    CHECK(answers({{"defaultAction", "SCMP_ACT_ALLOW"}, {"syscalls", {rule}}}, calls) == wanted);
  }
}

TEST_CASE("seccomp: flags", "[seccomp]") {
  for (const json& flags :
       {json::array(), json{"SECCOMP_FILTER_FLAG_LOG"}, json{"SECCOMP_FILTER_FLAG_TSYNC"},
        json{"SECCOMP_FILTER_FLAG_SPEC_ALLOW"}, json{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"},
        json{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"}}) {
    INFO(flags.dump());
    json profile = allow_list({});
    profile["flags"] = flags;
    CHECK(answers(profile, {text(SYS_getcwd)}) == Lines{"EPERM"});
  }
}

TEST_CASE("seccomp: root and others, with and without noNewPrivileges", "[seccomp]") {
  for (const bool user_namespace : {false, true})
    for (const unsigned uid : {0U, 1000U})
      for (const bool no_new_privileges : {true, false}) {
        INFO("uid " << uid << ", noNewPrivileges " << no_new_privileges << ", user namespace "
                    << user_namespace);
        Bundle bundle({"/bin/probe", "facts"});
        if (user_namespace) bundle.use_user_namespace();
        bundle.process()["user"] = {{"uid", uid}, {"gid", uid}};
        bundle.process()["noNewPrivileges"] = no_new_privileges;
        const json without = payload_facts(bundle);
        bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                             {"syscalls", {seccomp_rule({"mount"}, "SCMP_ACT_ERRNO")}}};
        const json with = payload_facts(bundle);
        for (const char* set : {"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs"})
          CHECK(with["status"][set] == without["status"][set]);
      }
}

TEST_CASE("seccomp: without noNewPrivileges the filter comes before capabilities are dropped", "[seccomp]") {
  ONLY_OCX("the calls another runtime needs after it differ");
  Bundle bundle({"/bin/probe", "exit", "5"});
  bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                       {"syscalls", {seccomp_rule({"capset"}, "SCMP_ACT_ERRNO", 33)}}};
  Container with(bundle);
  CHECK(with.run().status == 5);
  bundle.process()["noNewPrivileges"] = false;
  Container without(bundle);
  const std::string message = error_message(without.create());
  CHECK(contains(message, "capset"));
  CHECK(contains(message, "numerical argument out of domain"));
  CHECK(without.leftovers().empty());
  bundle.config["linux"]["seccomp"]["syscalls"][0] = seccomp_rule({"capset"}, "SCMP_ACT_KILL_PROCESS");
  Container killed(bundle);
  const std::string words = error_message(killed.create());
  CHECK(contains(words, "killed by signal 31"));
  CHECK(contains(words, "/linux/seccomp"));
}

TEST_CASE("seccomp: with noNewPrivileges nothing but execve has to be allowed", "[seccomp][hooks]") {
  ONLY_OCX("others make more calls under the filter");
  Bundle bundle({"/bin/probe", "exit", "7"});
  bundle.process()["noNewPrivileges"] = true;
  const Lines start_of_a_program{"execve",   "brk",       "arch_prctl", "set_tid_address", "set_robust_list",
                                 "rseq",     "prlimit64", "readlink",   "readlinkat",      "getrandom",
                                 "mprotect", "mmap",      "munmap",     "exit_group",      "newfstatat",
                                 "fstat",    "futex",     "uname"};
  bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_KILL_PROCESS"},
                                       {"syscalls", {seccomp_rule(start_of_a_program, "SCMP_ACT_ALLOW")}}};
  // The hook writes a file, which the filter does not allow.
  bundle.config["hooks"]["startContainer"] = {
      {{"path", "/bin/probe"}, {"args", {"probe", "hook", "/hooked", "start"}}}};
  bundle.process()["user"] = {{"uid", 0}, {"gid", 0}};
  bundle.capabilities({"CAP_DAC_OVERRIDE"});
  Container container(bundle);
  CHECK(container.run().status == 7);
  CHECK(contains(read_file(bundle.rootfs() / "hooked"), "start"));
  Container steps(bundle);
  REQUIRE_OK(steps.create());
  REQUIRE_OK(steps.start());
  CHECK(steps.wait_exit() == 7);
  // Without any call allowed there is no program, and no container that hangs.
  bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_KILL_PROCESS"}};
  Container nothing(bundle);
  CHECK(nothing.run().status == 128 + 31);
}

TEST_CASE("seccomp: a large profile", "[seccomp]") {
  json profile = allow_list({});
  json clone = seccomp_rule({"clone"}, "SCMP_ACT_ALLOW");
  clone["args"] = {{{"index", 0}, {"value", 0x7e020000}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}}};
  profile["architectures"] = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  profile["syscalls"].push_back(clone);
  profile["syscalls"].push_back(seccomp_rule({"clone3"}, "SCMP_ACT_ERRNO", 38));
  // Invalid arguments, so that what passes does nothing.
  CHECK(answers(profile, {text(SYS_clone) + ":0x10000000", text(SYS_clone) + ":0x00020000",
                          text(SYS_clone3) + ":0:0", text(SYS_mount), text(SYS_unshare) + ":0x10000000",
                          text(SYS_read) + ":-1", text(SYS_bpf), text(SYS_close) + ":-1", "470"}) ==
        Lines{"EPERM", "EPERM", "ENOSYS", "EPERM", "EPERM", "EBADF", "EPERM", "EBADF", "ENOSYS"});
}

TEST_CASE("seccomp: names nobody knows", "[seccomp]") {
  Bundle bundle({"/bin/probe", "exit", "3"});
  bundle.config["linux"]["seccomp"] = {
      {"defaultAction", "SCMP_ACT_ALLOW"},
      {"syscalls", {seccomp_rule({"getcwd", "no_such_call"}, "SCMP_ACT_ERRNO")}}};
  Container skipped(bundle);
  CHECK(skipped.run().status == 3);
  if (!runtime_is_ocx()) return;
  bundle.config["annotations"]["run.oci.seccomp_fail_unknown_syscall"] = "1";
  Container strict(bundle);
  const std::string message = error_message(strict.create());
  CHECK(contains(message, "unknown system call \"no_such_call\""));
  CHECK(contains(message, "/linux/seccomp/syscalls/0/names/1"));
  CHECK(strict.leftovers().empty());
}

TEST_CASE("seccomp: one compilation for all containers of a profile", "[seccomp][cache]") {
  ONLY_OCX("where filters are kept is its own affair");
  Bundle bundle({"/bin/probe", "syscall", text(SYS_getcwd)});
  json& profile = bundle.config["linux"]["seccomp"];
  profile = {{"defaultAction", "SCMP_ACT_ALLOW"},
             {"syscalls", {seccomp_rule({"getcwd"}, "SCMP_ACT_ERRNO", 33)}}};
  Container container(bundle);
  CHECK(compilations(container) == 1);
  CHECK(compilations(container) == 0);
  CHECK(compilations(container) == 0);
  CHECK(lines(container.command({"list", "-q"}).out).empty());

  SECTION("another profile is another filter") {
    profile["syscalls"].push_back(seccomp_rule({"getsid"}, "SCMP_ACT_ERRNO", 5));
    CHECK(compilations(container) == 1);
  }
  SECTION("damaged") {
    std::string bytes = read_file(cache_file(container));
    bytes.back() = static_cast<char>(bytes.back() ^ 4);
    write_file(cache_file(container), bytes);
    CHECK(compilations(container) == 1);
  }
  SECTION("empty") {
    write_file(cache_file(container), "");
    CHECK(compilations(container) == 1);
  }
  SECTION("larger than any") {
    std::filesystem::resize_file(cache_file(container), 1U << 30U);
    CHECK(compilations(container) == 1);
  }
  SECTION("of somebody else") {
    REQUIRE(chown(cache_file(container).c_str(), 65534, 65534) == 0);
    CHECK(compilations(container) == 1);
  }
  SECTION("writable by others") {
    REQUIRE(chmod(cache_file(container).c_str(), 0666) == 0);
    CHECK(compilations(container) == 1);
  }
  SECTION("a link") {
    const Path file = cache_file(container), aside = bundle.scratch() / "aside";
    std::filesystem::copy_file(file, aside);
    std::filesystem::remove(file);
    std::filesystem::create_symlink(aside, file);
    CHECK(compilations(container) == 1);
    CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(file)));
  }
  CHECK(compilations(container) == 0);
}

TEST_CASE("seccomp: a filter from before the calls that ocx prefers", "[seccomp]") {
  for (const bool no_new_privileges : {false, true}) {
    Bundle bundle({"/bin/echo", "ran"});
    bundle.process()["noNewPrivileges"] = no_new_privileges;
    bundle.config["linux"]["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"syscalls", {seccomp_rule({"faccessat2", "close_range", "openat2", "statx"}, "SCMP_ACT_ERRNO")}}};
    Container container(bundle);
    CHECK(container.output() == "ran\n");
  }
}
