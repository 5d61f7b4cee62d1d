// What compiled filters answer, against a table, and against libseccomp's own filter of the whole profile.
#include <catch2/catch.hpp>
#include <linux/audit.h>
#include <seccomp.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "runtime/seccomp_rules.hpp"
#include "spec/names.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "tests/unit/runtime/seccomp_profiles.hpp"

using namespace ocx;
using namespace ocx::test;
using runtime::compile_filter;
using runtime::FilterProgram;

namespace {

constexpr std::uint32_t x64 = AUDIT_ARCH_X86_64, i386 = AUDIT_ARCH_I386, arm64 = AUDIT_ARCH_AARCH64;
constexpr std::uint32_t x32_bit = 0x40000000;
constexpr std::uint32_t allow = SECCOMP_RET_ALLOW, eperm = SECCOMP_RET_ERRNO | 1,
                        enosys = SECCOMP_RET_ERRNO | 38;

struct Case {
  SeccompAction action;
  std::optional<std::uint32_t> errno_ret;
  std::uint32_t answer;
};
const Case all_actions[] = {{SeccompAction::kill_process, {}, SECCOMP_RET_KILL_PROCESS},
                            {SeccompAction::kill_thread, {}, SECCOMP_RET_KILL_THREAD},
                            {SeccompAction::trap, {}, SECCOMP_RET_TRAP},
                            {SeccompAction::errno_, {}, SECCOMP_RET_ERRNO | 1},
                            {SeccompAction::errno_, 0, SECCOMP_RET_ERRNO},
                            {SeccompAction::errno_, 4094, SECCOMP_RET_ERRNO | 4094},
                            {SeccompAction::notify, {}, SECCOMP_RET_USER_NOTIF},
                            {SeccompAction::trace, {}, SECCOMP_RET_TRACE | 1},
                            {SeccompAction::trace, 0xffff, SECCOMP_RET_TRACE | 0xffff},
                            {SeccompAction::log, {}, SECCOMP_RET_LOG},
                            {SeccompAction::allow, {}, SECCOMP_RET_ALLOW}};

spec::Seccomp small_profile(SeccompAction default_action = SeccompAction::errno_) {
  spec::Seccomp profile;
  profile.default_action = default_action;
  return profile;
}

/// The highest number the profile mentions on an architecture, by libseccomp's tables; none: no number is
/// above it.
std::uint32_t highest_of(const spec::Seccomp& profile, std::uint32_t token) {
  int highest = -1;
  for (const auto& entry : profile.syscalls)
    for (const std::string& name : entry.names) {
      const int number = ::seccomp_syscall_resolve_name_arch(token, name.c_str());
      const bool behind_another =
          number < 0 && ::seccomp_syscall_resolve_name_rewrite(token, name.c_str()) >= 0;
      highest = std::max(highest, behind_another ? 402 : number);
    }
  return static_cast<std::uint32_t>(highest);
}

/// Every number the reference and the filter can differ on, with arguments that matter to the profile's
/// rules.
void compare_with_reference(const spec::Seccomp& profile,
                            const std::vector<std::vector<std::uint64_t>>& arguments) {
  const FilterProgram filter = compile_filter(profile, false), reference = reference_filter(profile);
  const std::uint32_t action = runtime::filter_action(profile.default_action, profile.default_errno_ret);
  struct Space {
    std::uint32_t architecture, base;
    const char* name;
  };
  const Space spaces[] = {{x64, 0, "SCMP_ARCH_X86_64"},
                          {i386, 0, "SCMP_ARCH_X86"},
                          {x64, x32_bit, "SCMP_ARCH_X32"},
                          {arm64, 0, "SCMP_ARCH_AARCH64"}};
  const auto& list = profile.architectures;
  for (const Space& space : spaces) {
    const bool listed = (space.base == 0 && space.architecture == x64) ||
                        std::find(list.begin(), list.end(), space.name) != list.end();
    const std::uint32_t token = spec::value_of(spec::seccomp_architectures, space.name).value();
    const std::uint32_t highest = listed ? highest_of(profile, token) : ~0U;
    unsigned differences = 0;
    for (std::uint32_t number = space.base; number <= space.base + 1000; ++number)
      for (const auto& args : arguments) {
        const seccomp_data data = call(space.architecture, number, args);
        std::uint32_t wanted = answer(reference, data);
        if (number > highest && wanted == action) wanted = enosys;
        if (answer(filter, data) == wanted || ++differences > 3) continue;
        INFO(std::hex << "architecture " << space.architecture << std::dec << ", call " << number
                      << ", first argument " << (args.empty() ? 0 : args[0]) << std::hex << ": "
                      << answer(filter, data) << ", libseccomp: " << wanted);
        CHECK(false);
      }
    CHECK(differences == 0);
  }
}

Error error_of(const spec::Seccomp& profile, bool fail_unknown = false) {
  try {
    compile_filter(profile, fail_unknown);
  } catch (const Error& error) {
    return error;
  }
  return Error("none");
}

}  // namespace

TEST_CASE("seccomp: every action of a rule and as default", "[seccomp]") {
  for (const Case& row : all_actions) {
    const bool other_default = row.answer == eperm;
    spec::Seccomp profile = small_profile(other_default ? SeccompAction::allow : SeccompAction::errno_);
    profile.syscalls = {rule({"getcwd"}, row.action, {}, row.errno_ret),
                        rule({"read"}, row.action, {{0, 7, 0, SeccompOperator::eq}}, row.errno_ret),
                        rule({"set_mempolicy_home_node"}, row.action, {}, row.errno_ret)};
    FilterProgram program = compile_filter(profile, false);
    const std::uint32_t rest = other_default ? allow : eperm;
    INFO(std::hex << row.answer);
    CHECK(answer(program, call(x64, 79)) == row.answer);
    CHECK(answer(program, call(x64, 78)) == rest);
    CHECK(answer(program, call(x64, 80)) == rest);
    CHECK(answer(program, call(x64, 0, {7})) == row.answer);
    CHECK(answer(program, call(x64, 0, {8})) == rest);
    if (row.action == SeccompAction::notify) continue;
    profile = small_profile(row.action);
    profile.default_errno_ret = row.errno_ret;
    program = compile_filter(profile, false);
    CHECK(answer(program, call(x64, 79)) == row.answer);
  }
}

TEST_CASE("seccomp: comparisons of all 64 bits", "[seccomp]") {
  constexpr std::uint64_t edge = 0x1'0000'0005ULL;
  struct Row {
    SeccompArg condition;
    std::vector<std::uint64_t> hits, misses;
  };
  const Row rows[] = {
      {{0, edge, 0, SeccompOperator::eq}, {edge}, {5, edge + 1, edge - 1, 0x2'0000'0005}},
      {{1, edge, 0, SeccompOperator::ne}, {5, edge + 1, 0x2'0000'0005}, {edge}},
      {{2, edge, 0, SeccompOperator::lt}, {0, edge - 1, 0xffffffff}, {edge, edge + 1, 0x2'0000'0000}},
      {{3, edge, 0, SeccompOperator::le}, {0, edge, 0xffffffff}, {edge + 1, 0x2'0000'0000}},
      {{4, edge, 0, SeccompOperator::gt}, {edge + 1, 0x2'0000'0000}, {0, edge, 0xffffffff}},
      {{5, edge, 0, SeccompOperator::ge}, {edge, 0x2'0000'0000}, {0, edge - 1, 0xffffffff}},
      {{0, 0xff'0000'000f, 0x1'0000'0005, SeccompOperator::masked_eq},
       {edge, edge + 0x10},
       {5, edge + 1, 0x2'0000'0005}},
  };
  for (const Row& row : rows) {
    spec::Seccomp profile = small_profile();
    profile.syscalls = {rule({"read"}, SeccompAction::allow, {row.condition})};
    const FilterProgram program = compile_filter(profile, false);
    const auto with = [&](std::uint64_t value) {
      std::vector<std::uint64_t> args(6, 0x77);
      args[row.condition.index] = value;
      return answer(program, call(x64, 0, args));
    };
    INFO("operator " << static_cast<int>(row.condition.op));
    for (const std::uint64_t value : row.hits) CHECK(with(value) == allow);
    for (const std::uint64_t value : row.misses) CHECK(with(value) == eperm);
  }
}

TEST_CASE("seccomp: conditions are all to hold; on one argument they are alternatives", "[seccomp]") {
  spec::Seccomp profile = small_profile();
  profile.syscalls = {
      rule({"read"}, SeccompAction::allow, {{0, 1, 0, SeccompOperator::eq}, {1, 2, 0, SeccompOperator::eq}}),
      rule({"write"}, SeccompAction::allow,
           {{0, 1, 0, SeccompOperator::eq}, {0, 2, 0, SeccompOperator::eq}})};
  const FilterProgram program = compile_filter(profile, false);
  CHECK(answer(program, call(x64, 0, {1, 2})) == allow);
  CHECK(answer(program, call(x64, 0, {1, 3})) == eperm);
  CHECK(answer(program, call(x64, 0, {2, 2})) == eperm);
  CHECK(answer(program, call(x64, 1, {1})) == allow);
  CHECK(answer(program, call(x64, 1, {2})) == allow);
  CHECK(answer(program, call(x64, 1, {3})) == eperm);
}

TEST_CASE("seccomp: calls newer than the profile do not exist", "[seccomp]") {
  constexpr auto errno_ = SeccompAction::errno_;
  struct Row {
    SeccompAction action;
    bool tail;
  };
  for (const Row& row :
       {Row{errno_, true}, Row{SeccompAction::kill_process, true}, Row{SeccompAction::kill_thread, true},
        Row{SeccompAction::trap, true}, Row{SeccompAction::allow, false}, Row{SeccompAction::log, false},
        Row{SeccompAction::trace, false}}) {
    spec::Seccomp profile = small_profile(row.action);
    profile.architectures = {"SCMP_ARCH_X86", "SCMP_ARCH_X32"};
    // A rule that only repeats the default is a mention, too.
    profile.syscalls = {rule({"faccessat2"}, row.action), rule({"close_range"}, errno_, {}, 5)};
    const FilterProgram program = compile_filter(profile, false);
    const std::uint32_t other = runtime::filter_action(row.action, {});
    const std::uint32_t newer = row.tail ? enosys : other;
    for (const auto& [architecture, base] : {std::pair{x64, 0U}, {i386, 0U}, {x64, x32_bit}}) {
      INFO(std::hex << architecture << " " << base << " " << other);
      CHECK(answer(program, call(architecture, base + 436)) == (SECCOMP_RET_ERRNO | 5));
      CHECK(answer(program, call(architecture, base + 435)) == other);
      CHECK(answer(program, call(architecture, base + 439)) == other);
      for (const std::uint32_t number : {440U, 462U, 999U, 0x3fffffffU})
        CHECK(answer(program, call(architecture, base + number)) == newer);
    }
  }
}

TEST_CASE("seccomp: no tail where nothing is mentioned", "[seccomp]") {
  spec::Seccomp profile = small_profile();
  FilterProgram program = compile_filter(profile, false);
  CHECK(answer(program, call(x64, 0)) == eperm);
  CHECK(answer(program, call(x64, 999)) == eperm);
  profile.architectures = {"SCMP_ARCH_X86"};
  profile.syscalls = {rule({"vm86"}, SeccompAction::allow)};  // of i386 alone
  program = compile_filter(profile, false);
  CHECK(answer(program, call(x64, 999)) == eperm);
  CHECK(answer(program, call(i386, 166)) == allow);
  CHECK(answer(program, call(i386, 165)) == eperm);
  CHECK(answer(program, call(i386, 999)) == enosys);
}

TEST_CASE("seccomp: calls behind socketcall and ipc", "[seccomp]") {
  spec::Seccomp profile = small_profile();
  profile.architectures = {"SCMP_ARCH_X86"};
  profile.syscalls = {rule({"socket", "shmget"}, SeccompAction::allow)};
  const FilterProgram program = compile_filter(profile, false);
  CHECK(answer(program, call(i386, 102, {1})) == allow);   // socketcall(SYS_SOCKET)
  CHECK(answer(program, call(i386, 102, {2})) == eperm);   // SYS_BIND
  CHECK(answer(program, call(i386, 117, {23})) == allow);  // ipc(SHMGET)
  CHECK(answer(program, call(i386, 117, {24})) == eperm);
  CHECK(answer(program, call(i386, 359)) == allow);  // socket(2) of its own
  CHECK(answer(program, call(i386, 395)) == allow);  // shmget(2)
  CHECK(answer(program, call(i386, 361)) == eperm);
  CHECK(answer(program, call(i386, 403)) == enosys);
}

TEST_CASE("seccomp: architectures", "[seccomp]") {
  spec::Seccomp profile = small_profile();
  profile.syscalls = {rule({"read"}, SeccompAction::allow)};
  FilterProgram program = compile_filter(profile, false);
  CHECK(answer(program, call(x64, 0)) == allow);  // the native one needs no mention
  CHECK(answer(program, call(i386, 3)) == SECCOMP_RET_KILL_THREAD);
  CHECK(answer(program, call(arm64, 63)) == SECCOMP_RET_KILL_THREAD);
  CHECK(answer(program, call(x64, x32_bit)) == SECCOMP_RET_KILL_THREAD);
  CHECK(answer(program, call(x64, 0xffffffff)) != SECCOMP_RET_KILL_THREAD);
  // Those of other machines, known to libseccomp or not, change nothing.
  for (const char* name : {"SCMP_ARCH_AARCH64", "SCMP_ARCH_S390X", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_SHEB"})
    profile.architectures.emplace_back(name);
  const FilterProgram with_others = compile_filter(profile, false);
  CHECK(with_others.size() == program.size());
}

TEST_CASE("seccomp: rules that meet", "[seccomp]") {
  constexpr auto permit = SeccompAction::allow;
  spec::Seccomp profile = small_profile();
  profile.syscalls = {rule({"read"}, permit),
                      rule({"read"}, permit),  // twice the same
                      rule({"write"}, permit),
                      rule({"write"}, SeccompAction::errno_, {}, 1),  // the default: skipped
                      rule({"open"}, SeccompAction::trap, {{0, 1, 0, SeccompOperator::eq}}),
                      rule({"open"}, permit),
                      rule({"close"}, permit, {{0, 1, 0, SeccompOperator::eq}}),
                      rule({"close"}, SeccompAction::trap, {{0, 2, 0, SeccompOperator::eq}}),
                      rule({"no_such_call"}, permit)};
  compare_with_reference(profile, {{}, {1}, {2}, {3}});
  const FilterProgram program = compile_filter(profile, false);
  CHECK(answer(program, call(x64, 1)) == allow);
}

TEST_CASE("seccomp: errors name the rule", "[seccomp]") {
  spec::Seccomp profile = small_profile();
  profile.syscalls = {rule({"read"}, SeccompAction::allow),
                      rule({"write", "no_such_call"}, SeccompAction::allow)};
  CHECK(error_of(profile).message() == "none");
  Error error = error_of(profile, true);
  CHECK(error.kind() == ErrorKind::invalid_config);
  CHECK(error.origin() == "/linux/seccomp/syscalls/1/names/1");
  CHECK_THAT(error.what(), Catch::Contains("\"no_such_call\""));

  profile.syscalls = {rule({"read"}, SeccompAction::allow, {{0, 1, 0, SeccompOperator::eq}}),
                      rule({"read"}, SeccompAction::trap, {{0, 1, 0, SeccompOperator::eq}})};
  error = error_of(profile);
  CHECK(error.origin() == "/linux/seccomp/syscalls/1");
  CHECK_THAT(error.hint(), Catch::Contains("the same conditions"));

  profile.syscalls.clear();
  for (std::uint64_t value = 0; value < 2000; ++value)
    profile.syscalls.push_back(
        rule({"read"}, SeccompAction::allow, {{0, value << 33U, 0, SeccompOperator::eq}}));
  error = error_of(profile);
  CHECK_THAT(error.what(), Catch::Contains("instructions"));
  CHECK(error.origin() == "/linux/seccomp/syscalls");
}

TEST_CASE("seccomp: a large profile answers as libseccomp would, call by call", "[seccomp]") {
  std::vector<std::vector<std::uint64_t>> arguments = {
      {},           {1},     {8},          {40},         {0x20000}, {0x20008},
      {0xffffffff}, {~0ULL}, {0x10000000}, {0x7e020000}, {17},      {0x1'0000'0000}};
  compare_with_reference(large_profile(), arguments);
  CHECK(compile_filter(large_profile(), false).size() < 700);
  spec::Seccomp one = large_profile();
  one.architectures = {"SCMP_ARCH_X86_64"};
  compare_with_reference(one, arguments);
  one.default_action = SeccompAction::kill_process;
  compare_with_reference(one, arguments);

  const char* file = std::getenv("OCX_SECCOMP_PROFILE");  // linux.seccomp of a config.json
  if (file == nullptr) return;
  spec::Warnings warnings;
  const std::string document =
      R"({"ociVersion":"1.3.0","root":{"path":"r"},"process":{"cwd":"/","args":["a"]},"linux":{"seccomp":)" +
      sys::read_file(sys::FdRef::cwd(), file) + "}}";
  compare_with_reference(spec::parse_config(document, warnings).linux.seccomp.value(), arguments);
}

TEST_CASE("seccomp: random profiles answer as libseccomp would", "[seccomp]") {
  std::mt19937 random(4711);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  std::vector<std::string> names = large_profile().syscalls[0].names;
  // With calls that this architecture lacks libseccomp's filters of several architectures can be wrong: see
  // the next test.
  names.erase(std::remove_if(
                  names.begin(), names.end(),
                  [](const std::string& name) { return ::seccomp_syscall_resolve_name(name.c_str()) < 0; }),
              names.end());
  for (int round = 0; round < 25; ++round) {
    spec::Seccomp profile = small_profile(all_actions[below(5)].action);
    if (below(2) != 0) profile.architectures = {"SCMP_ARCH_X86"};
    if (below(3) == 0) profile.architectures.emplace_back("SCMP_ARCH_X32");
    const unsigned rules = below(60);
    for (unsigned i = 0; i < rules; ++i) {
      const Case& action = all_actions[below(std::size(all_actions))];
      std::vector<SeccompArg> args;
      // One action a call, so that no two rules contradict each other.
      if (below(3) == 0)
        args.push_back({below(2), below(4), below(4), static_cast<SeccompOperator>(below(7))});
      const std::string& name = names[(i * 7 + static_cast<unsigned>(round)) % names.size()];
      profile.syscalls.push_back(rule({name}, action.action, args, action.errno_ret));
    }
    INFO("round " << round);
    compare_with_reference(profile, {{}, {1, 1}, {2, 3}, {3, 2}, {9, 9}});
  }
}

TEST_CASE("seccomp: a call that an architecture lacks does not spoil the others' rules", "[seccomp]") {
  // libseccomp 2.5.4 alone compares the architecture, not the number, with 262 here.
  spec::Seccomp profile = small_profile();
  profile.architectures = {"SCMP_ARCH_X32"};
  profile.syscalls = {rule({"newfstatat"}, SeccompAction::trace, {{1, 0, 0, SeccompOperator::eq}}),
                      rule({"olduname"}, SeccompAction::allow, {{1, 0, 0, SeccompOperator::eq}})};
  const FilterProgram program = compile_filter(profile, false);
  for (const std::uint32_t base : {0U, x32_bit}) {
    CHECK(answer(program, call(x64, base + 262, {7, 0})) == (SECCOMP_RET_TRACE | 1));
    CHECK(answer(program, call(x64, base + 262, {7, 1})) == eperm);
    CHECK(answer(program, call(x64, base + 261, {7, 0})) == eperm);
  }
  profile.architectures = {"SCMP_ARCH_X86"};
  profile.syscalls = {rule({"accept"}, SeccompAction::trap),
                      rule({"nice"}, SeccompAction::log, {{0, 1, 0, SeccompOperator::ge}})};
  const FilterProgram other = compile_filter(profile, false);
  CHECK(answer(other, call(i386, 34, {1})) == SECCOMP_RET_LOG);
  CHECK(answer(other, call(i386, 34, {0})) == eperm);
  CHECK(answer(other, call(i386, 102, {5})) == SECCOMP_RET_TRAP);
}
