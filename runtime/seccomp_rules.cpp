#include "runtime/seccomp_rules.hpp"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <set>

#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// The calls behind socketcall(2) and ipc(2) became calls of their own up to this number (include/uapi/
// asm-generic/unistd.h and the tables of the architectures that have the two).
constexpr std::uint32_t last_demultiplexed = 402;

/// Architectures whose calls one kernel can answer.
constexpr std::initializer_list<std::initializer_list<std::uint32_t>> families = {
    {SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32},
    {SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
    {SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64N32},
    {SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64N32},
    {SCMP_ARCH_PPC64, SCMP_ARCH_PPC},
    {SCMP_ARCH_S390X, SCMP_ARCH_S390},
    {SCMP_ARCH_PARISC64, SCMP_ARCH_PARISC},
};

bool can_occur(std::uint32_t architecture, std::uint32_t native) {
  if (architecture == native) return true;
  const auto in = [](const auto& family, std::uint32_t token) {
    return std::find(family.begin(), family.end(), token) != family.end();
  };
  return std::any_of(families.begin(), families.end(),
                     [&](const auto& family) { return in(family, native) && in(family, architecture); });
}

std::vector<std::uint32_t> architectures_of(const spec::Seccomp& profile) {
  const std::uint32_t native = ::seccomp_arch_native();
  std::vector<std::uint32_t> tokens{native};
  for (const std::string& name : profile.architectures) {
    const std::uint32_t token = spec::value_of(spec::seccomp_architectures, name).value_or(0);
    if (!can_occur(token, native))
      sys::log_debug("seccomp: " + name + " can't occur on this machine, skipped");
    else if (std::find(tokens.begin(), tokens.end(), token) == tokens.end())
      tokens.push_back(token);
  }
  return tokens;
}

/// Sorts the rules of one architecture, name by name.
class Sorter {
 public:
  Sorter(std::uint32_t token, std::uint32_t default_action) : default_action_(default_action) {
    rules_.token = token;
  }

  void add(const spec::SeccompSyscalls& rule, const SeccompName& name) {
    const int number = ::seccomp_syscall_resolve_name_arch(rules_.token, name.name.c_str());
    // A call of another architecture, or here one behind socketcall(2) or ipc(2).
    const int real =
        number >= 0 ? number : ::seccomp_syscall_resolve_name_rewrite(rules_.token, name.name.c_str());
    if (real < 0) return;
    const auto key = static_cast<std::uint32_t>(real);
    mention(number >= 0 ? key : std::max(key, last_demultiplexed));
    const std::uint32_t action = filter_action(rule.action, rule.errno_ret);
    if (action == default_action_) return;
    names_.push_back({name, key, action, number < 0 || !rule.args.empty()});
    if (names_.back().conditional) conditional_.insert(key);
    const auto [known, first] = actions_.emplace(key, action);
    if (!first && known->second != action) conditional_.insert(key);  // libseccomp knows who wins
  }

  ArchitectureRules finish() {
    for (const Entry& entry : names_)
      if (conditional_.count(entry.number) != 0)
        rules_.conditional.push_back(entry.name);
      else
        rules_.decided.emplace(entry.number, entry.action);
    return std::move(rules_);
  }

 private:
  struct Entry {
    SeccompName name;
    std::uint32_t number, action;
    bool conditional;
  };

  void mention(std::uint32_t number) { rules_.highest = std::max(rules_.highest.value_or(0), number); }

  std::uint32_t default_action_;
  ArchitectureRules rules_;
  std::vector<Entry> names_;
  std::map<std::uint32_t, std::uint32_t> actions_;
  std::set<std::uint32_t> conditional_;  // numbers with more than one answer
};

/// What libseccomp knows on any architecture has a number below -1 where it is missing.
bool is_known(const std::string& name) {
  return ::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

std::vector<SeccompName> known_names(const spec::Seccomp& profile, bool fail_unknown) {
  std::vector<SeccompName> names;
  std::string skipped;
  for (std::size_t rule = 0; rule < profile.syscalls.size(); ++rule) {
    const std::vector<std::string>& list = profile.syscalls[rule].names;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (is_known(list[i])) {
        names.push_back({rule, list[i]});
        continue;
      }
      if (fail_unknown)
        throw Error("unknown system call " + sys::quote(list[i]), ErrorKind::invalid_config)
            .at("/linux/seccomp/syscalls/" + std::to_string(rule) + "/names/" + std::to_string(i));
      skipped += " " + sys::quote(list[i]);
    }
  }
  if (!skipped.empty()) sys::log_debug("seccomp: unknown system calls, skipped:" + skipped);
  return names;
}

}  // namespace

std::uint32_t filter_action(spec::SeccompAction action, std::optional<std::uint32_t> errno_ret) {
  using Action = spec::SeccompAction;
  const std::uint32_t data = errno_ret.value_or(EPERM) & SECCOMP_RET_DATA;
  switch (action) {
    case Action::kill_process:
      return SECCOMP_RET_KILL_PROCESS;
    case Action::kill_thread:
      return SECCOMP_RET_KILL_THREAD;
    case Action::trap:
      return SECCOMP_RET_TRAP;
    case Action::errno_:
      return SECCOMP_RET_ERRNO | data;
    case Action::notify:
      return SECCOMP_RET_USER_NOTIF;
    case Action::trace:
      return SECCOMP_RET_TRACE | data;
    case Action::log:
      return SECCOMP_RET_LOG;
    case Action::allow:
      return SECCOMP_RET_ALLOW;
  }
  return SECCOMP_RET_KILL_PROCESS;
}

std::vector<ArchitectureRules> sort_rules(const spec::Seccomp& profile, bool fail_unknown) {
  const std::vector<SeccompName> names = known_names(profile, fail_unknown);
  const std::uint32_t default_action = filter_action(profile.default_action, profile.default_errno_ret);
  std::vector<ArchitectureRules> result;
  for (const std::uint32_t token : architectures_of(profile)) {
    Sorter sorter(token, default_action);
    for (const SeccompName& name : names) sorter.add(profile.syscalls[name.rule], name);
    result.push_back(sorter.finish());
  }
  return result;
}

}  // namespace ocx::runtime
