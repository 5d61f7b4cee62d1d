#include "runtime/seccomp_library.hpp"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <set>

#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/seccomp.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t tree_worth_having = 32;  // rules; below it a list is as fast

struct Release {
  void operator()(void* context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

[[noreturn]] void fail(const char* call, int result) {
  throw Error::from_errno(std::string("libseccomp: ") + call, -result);
}

Context make_context(std::uint32_t default_action, std::uint32_t architecture) {
  // What the kernel can do is not asked for nine times; loading the filter tells.
  ::seccomp_api_set(6);
  Context context(::seccomp_init(default_action));
  if (!context) fail("seccomp_init", -EINVAL);
  if (architecture == ::seccomp_arch_native()) return context;
  if (const int result = ::seccomp_arch_add(context.get(), architecture); result != 0)
    fail("seccomp_arch_add", result);
  if (const int result = ::seccomp_arch_remove(context.get(), ::seccomp_arch_native()); result != 0)
    fail("seccomp_arch_remove", result);
  return context;
}

scmp_compare to_compare(spec::SeccompOperator op) {
  using Operator = spec::SeccompOperator;
  switch (op) {
    case Operator::ne:
      return SCMP_CMP_NE;
    case Operator::lt:
      return SCMP_CMP_LT;
    case Operator::le:
      return SCMP_CMP_LE;
    case Operator::eq:
      return SCMP_CMP_EQ;
    case Operator::ge:
      return SCMP_CMP_GE;
    case Operator::gt:
      return SCMP_CMP_GT;
    case Operator::masked_eq:
      return SCMP_CMP_MASKED_EQ;
  }
  return SCMP_CMP_EQ;
}

std::vector<scmp_arg_cmp> to_conditions(const std::vector<spec::SeccompArg>& args) {
  std::vector<scmp_arg_cmp> conditions;
  for (const spec::SeccompArg& arg : args)
    conditions.push_back({arg.index, to_compare(arg.op), arg.value, arg.value_two});
  return conditions;
}

bool repeats_an_argument(const std::vector<spec::SeccompArg>& args) {
  std::set<std::uint32_t> seen;
  for (const spec::SeccompArg& arg : args)
    if (!seen.insert(arg.index).second) return true;
  return false;
}

class Rules {
 public:
  Rules(void* context, const spec::Seccomp& profile) : context_(context), profile_(profile) {}

  void add(const SeccompName& name) {
    const spec::SeccompSyscalls& rule = profile_.syscalls[name.rule];
    const std::vector<scmp_arg_cmp> conditions = to_conditions(rule.args);
    // Several conditions on one argument are alternatives, and so then are all of the rule: what engines'
    // profiles have come to mean by it.
    if (repeats_an_argument(rule.args))
      for (const scmp_arg_cmp& condition : conditions) add(name, rule, {condition});
    else
      add(name, rule, conditions);
  }

 private:
  void add(const SeccompName& name, const spec::SeccompSyscalls& rule,
           const std::vector<scmp_arg_cmp>& conditions) {
    const int result = ::seccomp_rule_add_array(context_, filter_action(rule.action, rule.errno_ret),
                                                ::seccomp_syscall_resolve_name(name.name.c_str()),
                                                static_cast<unsigned>(conditions.size()), conditions.data());
    if (result == 0) return;
    Error error = Error::from_errno("libseccomp: add a rule for " + sys::quote(name.name), -result);
    error.at("/linux/seccomp/syscalls/" + std::to_string(name.rule));
    if (result == -EEXIST) error.hint("another rule has the same conditions and another action");
    throw error;
  }

  void* context_;
  const spec::Seccomp& profile_;
};

FilterProgram exported(void* context) {
  const sys::UniqueFd file = sys::anonymous_file("seccomp");
  if (const int result = ::seccomp_export_bpf(context, file.ref().raw()); result != 0)
    fail("seccomp_export_bpf", result);
  const std::string bytes = sys::read_from_start(file, static_cast<std::size_t>(sys::fstat(file).st_size));
  FilterProgram program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), program.size() * sizeof(sock_filter));
  return program;
}

/// libseccomp 2.5.4 forgets to load the number of the call when the first of its sorted rules is of a call
/// that the architecture lacks, and so compares the architecture with it. The architecture is settled
/// already: the program is entered behind its check, with the number loaded.
FilterProgram without_architecture_check(const FilterProgram& program, std::uint32_t architecture) {
  constexpr auto load = BPF_LD | BPF_W | BPF_ABS;
  constexpr auto is_equal = BPF_JMP | BPF_JEQ | BPF_K;
  const std::uint32_t audited = architecture == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : architecture;
  const bool known = program.size() > 2 && program[0].code == load &&
                     program[0].k == offsetof(seccomp_data, arch) && program[1].code == is_equal &&
                     program[1].k == audited;
  if (!known) throw Error("libseccomp: a filter that does not begin with its architecture");
  FilterProgram entered{{load, 0, 0, offsetof(seccomp_data, nr)}};
  if (program[1].jt != 0) entered.push_back({BPF_JMP | BPF_JA, 0, 0, program[1].jt});
  entered.insert(entered.end(), program.begin() + 2, program.end());
  return entered;
}

}  // namespace

FilterProgram library_filter(const spec::Seccomp& profile, std::uint32_t architecture,
                             const std::vector<SeccompName>& names) {
  const Context context =
      make_context(filter_action(profile.default_action, profile.default_errno_ret), architecture);
  Rules rules(context.get(), profile);
  for (const SeccompName& name : names) rules.add(name);
  if (names.size() > tree_worth_having)
    if (const int result = ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2); result != 0)
      fail("seccomp_attr_set SCMP_FLTATR_CTL_OPTIMIZE", result);
  return without_architecture_check(exported(context.get()), architecture);
}

std::string library_version() {
  const scmp_version* version = ::seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

}  // namespace ocx::runtime
