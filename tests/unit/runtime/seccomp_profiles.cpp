#include "tests/unit/runtime/seccomp_profiles.hpp"

#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "runtime/seccomp_interpreter.hpp"
#include "runtime/seccomp_rules.hpp"
#include "spec/names.hpp"
#include "tests/unit/runtime/seccomp_names.hpp"

namespace ocx::test {
namespace {

void require(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(-result));
}

scmp_compare compare_of(SeccompOperator op) {
  constexpr scmp_compare table[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
                                    SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};
  return table[static_cast<int>(op)];
}

void add_rule(void* context, const spec::SeccompSyscalls& rule, std::uint32_t default_action) {
  const std::uint32_t action = runtime::filter_action(rule.action, rule.errno_ret);
  if (action == default_action) return;
  std::vector<scmp_arg_cmp> conditions;
  for (const SeccompArg& arg : rule.args)
    conditions.push_back({arg.index, compare_of(arg.op), arg.value, arg.value_two});
  for (const std::string& name : rule.names) {
    const int number = ::seccomp_syscall_resolve_name(name.c_str());
    if (number == __NR_SCMP_ERROR) continue;
    require(::seccomp_rule_add_array(context, action, number, static_cast<unsigned>(conditions.size()),
                                     conditions.data()),
            name.c_str());
  }
}

runtime::FilterProgram exported(void* context) {
  const int file = ::memfd_create("reference", MFD_CLOEXEC);
  require(::seccomp_export_bpf(context, file), "export");
  runtime::FilterProgram program(static_cast<std::size_t>(::lseek(file, 0, SEEK_END)) / sizeof(sock_filter));
  if (::pread(file, program.data(), program.size() * sizeof(sock_filter), 0) < 0)
    throw std::runtime_error("pread");
  ::close(file);
  return program;
}

}  // namespace

spec::SeccompSyscalls rule(std::vector<std::string> names, SeccompAction action, std::vector<SeccompArg> args,
                           std::optional<std::uint32_t> errno_ret) {
  return {std::move(names), action, errno_ret, std::move(args)};
}

spec::Seccomp large_profile() {
  spec::Seccomp profile;
  profile.default_errno_ret = 1;
  profile.architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
  constexpr auto allow = SeccompAction::allow;
  profile.syscalls.push_back(rule(allowed_names(), allow));
  for (const std::uint64_t domain : {0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0xffffffffULL})
    profile.syscalls.push_back(rule({"personality"}, allow, {{0, domain, 0, SeccompOperator::eq}}));
  profile.syscalls.push_back(rule({"clone"}, allow, {{0, 0x7e020000, 0, SeccompOperator::masked_eq}}));
  profile.syscalls.push_back(rule({"clone3"}, SeccompAction::errno_, {}, 38));
  profile.syscalls.push_back(rule({"socket"}, allow, {{0, 40, 0, SeccompOperator::ne}}));
  return profile;
}

runtime::FilterProgram reference_filter(const spec::Seccomp& profile) {
  const std::uint32_t action = runtime::filter_action(profile.default_action, profile.default_errno_ret);
  void* context = ::seccomp_init(action);
  for (const std::string& name : profile.architectures) {
    const std::uint32_t token = spec::value_of(spec::seccomp_architectures, name).value();
    if (token != ::seccomp_arch_native()) require(::seccomp_arch_add(context, token), name.c_str());
  }
  for (const spec::SeccompSyscalls& entry : profile.syscalls) add_rule(context, entry, action);
  runtime::FilterProgram program = exported(context);
  ::seccomp_release(context);
  return program;
}

seccomp_data call(std::uint32_t architecture, std::uint32_t number, const std::vector<std::uint64_t>& args) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = architecture;
  std::copy(args.begin(), args.end(), data.args);
  return data;
}

std::uint32_t answer(const runtime::FilterProgram& program, const seccomp_data& data) {
  return runtime::evaluate_filter(
      {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)}, data);
}

std::uint32_t number_of(const std::string& name, std::uint32_t architecture) {
  const int number = ::seccomp_syscall_resolve_name_arch(architecture, name.c_str());
  if (number < 0) throw std::runtime_error("no system call " + name);
  return static_cast<std::uint32_t>(number);
}

}  // namespace ocx::test
