// Every name of the specification that stands for a number of the kernel, as constexpr tables: one place for
// the parser, the printers, `features` and the tests. A table is enumerated with a range-for, looked up with
// value_of() and name_of().
#pragma once

#include <linux/audit.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.hpp"

namespace ocx::spec {

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

/// The value of a name (exact, case matters), or nothing.
template <class Value, std::size_t N>
constexpr std::optional<Value> value_of(const Named<Value> (&table)[N], std::string_view name) {
  for (const Named<Value>& row : table)
    if (row.name == name) return row.value;
  return std::nullopt;
}

/// The first name with that value, or an empty view.
template <class Value, std::size_t N>
constexpr std::string_view name_of(const Named<Value> (&table)[N], const Value& value) {
  for (const Named<Value>& row : table)
    if (row.value == value) return row.name;
  return {};
}

/// All names in the table's order.
template <class Value, std::size_t N>
std::vector<std::string_view> names_of(const Named<Value> (&table)[N]) {
  std::vector<std::string_view> names;
  names.reserve(N);
  for (const Named<Value>& row : table) names.push_back(row.name);
  return names;
}

/// The known name that `text` is most likely a misspelling of (case, an abbreviation, or up to two edits), or
/// an empty view.
std::string_view closest_name(std::string_view text, const std::vector<std::string_view>& known);

/// Capability number = position (capabilities(7), linux/capability.h).
inline constexpr std::string_view capability_names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

/// The number of a capability ("CAP_CHOWN" is 0; upper case as in the specification), or nothing.
std::optional<int> capability_number(std::string_view name);
/// The name of a capability; "capability 63" where the table has none.
inline std::string capability_name(unsigned number) {
  return number < std::size(capability_names) ? std::string(capability_names[number])
                                              : "capability " + std::to_string(number);
}

/// Spec name -> CLONE_NEW*.
inline constexpr Named<std::uint64_t> namespace_types[] = {
    {"pid", CLONE_NEWPID}, {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},      {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS}, {"user", CLONE_NEWUSER},   {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

/// The rlimit's name -> RLIMIT_* (getrlimit(2)).
inline constexpr Named<int> rlimit_types[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", 10 /* glibc hides it behind __RLIMIT_LOCKS */},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", 12},
    {"RLIMIT_NICE", 13},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", 14},
    {"RLIMIT_RTTIME", 15},
    {"RLIMIT_SIGPENDING", 11},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

/// Without "SIG"; the first name of a number is the usual one.
inline constexpr Named<int> signal_names[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},   {"QUIT", SIGQUIT},     {"ILL", SIGILL},   {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT}, {"IOT", SIGABRT},  {"BUS", SIGBUS},       {"FPE", SIGFPE},   {"KILL", SIGKILL},
    {"USR1", SIGUSR1}, {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},     {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
    {"TERM", SIGTERM}, {"STKFLT", 16},    {"CHLD", SIGCHLD},     {"CLD", SIGCHLD},  {"CONT", SIGCONT},
    {"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU}, {"URG", SIGURG},
    {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH},
    {"IO", SIGIO},     {"POLL", SIGIO},   {"PWR", SIGPWR},       {"SYS", SIGSYS},
};

/// A signal as `kill` takes it: "TERM", "SIGTERM", "sigterm", "9", "RTMIN+3", "RTMAX-1"; 1..64. Nothing when
/// unknown.
std::optional<int> parse_signal(std::string_view text);

/// SCHED_* (sched(7)). SCHED_ISO is in the specification, but no kernel implements it.
inline constexpr Named<std::uint32_t> scheduler_policies[] = {
    {"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},       {"SCHED_BATCH", 3},
    {"SCHED_ISO", 4},   {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", 6},
};

/// sched_setattr(2), sched_flags.
inline constexpr Named<std::uint64_t> scheduler_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
    {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
    {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
    {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
    {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
};

/// IOPRIO_CLASS_* (ioprio_set(2)).
inline constexpr Named<int> io_priority_classes[] = {
    {"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
    {"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
    {"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
};

/// set_mempolicy(2); numbers, because headers before 6.9 lack the last one.
inline constexpr Named<int> memory_policy_modes[] = {
    {"MPOL_DEFAULT", 0}, {"MPOL_BIND", 2},           {"MPOL_INTERLEAVE", 3},          {"MPOL_PREFERRED", 1},
    {"MPOL_LOCAL", 4},   {"MPOL_PREFERRED_MANY", 5}, {"MPOL_WEIGHTED_INTERLEAVE", 6},
};

inline constexpr Named<std::uint32_t> memory_policy_flags[] = {
    {"MPOL_F_NUMA_BALANCING", 1U << 13},
    {"MPOL_F_RELATIVE_NODES", 1U << 14},
    {"MPOL_F_STATIC_NODES", 1U << 15},
};

/// SCMP_ACT_KILL is the older name of SCMP_ACT_KILL_THREAD.
inline constexpr Named<SeccompAction> seccomp_actions[] = {
    {"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    {"SCMP_ACT_KILL_THREAD", SeccompAction::kill_thread},
    {"SCMP_ACT_KILL", SeccompAction::kill_thread},
    {"SCMP_ACT_TRAP", SeccompAction::trap},
    {"SCMP_ACT_ERRNO", SeccompAction::errno_},
    {"SCMP_ACT_NOTIFY", SeccompAction::notify},
    {"SCMP_ACT_TRACE", SeccompAction::trace},
    {"SCMP_ACT_LOG", SeccompAction::log},
    {"SCMP_ACT_ALLOW", SeccompAction::allow},
};

inline constexpr Named<SeccompOperator> seccomp_operators[] = {
    {"SCMP_CMP_NE", SeccompOperator::ne},
    {"SCMP_CMP_LT", SeccompOperator::lt},
    {"SCMP_CMP_LE", SeccompOperator::le},
    {"SCMP_CMP_EQ", SeccompOperator::eq},
    {"SCMP_CMP_GE", SeccompOperator::ge},
    {"SCMP_CMP_GT", SeccompOperator::gt},
    {"SCMP_CMP_MASKED_EQ", SeccompOperator::masked_eq},
};

/// Name -> AUDIT_ARCH_*, which are libseccomp's tokens too. x32 has the number of x86-64 without the 64 bit
/// mark.
inline constexpr Named<std::uint32_t> seccomp_architectures[] = {
    {"SCMP_ARCH_X86", AUDIT_ARCH_I386},
    {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64},
    {"SCMP_ARCH_X32", EM_X86_64 | __AUDIT_ARCH_LE},
    {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM},
    {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64},
    {"SCMP_ARCH_MIPS", AUDIT_ARCH_MIPS},
    {"SCMP_ARCH_MIPS64", AUDIT_ARCH_MIPS64},
    {"SCMP_ARCH_MIPS64N32", AUDIT_ARCH_MIPS64N32},
    {"SCMP_ARCH_MIPSEL", AUDIT_ARCH_MIPSEL},
    {"SCMP_ARCH_MIPSEL64", AUDIT_ARCH_MIPSEL64},
    {"SCMP_ARCH_MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32},
    {"SCMP_ARCH_PPC", AUDIT_ARCH_PPC},
    {"SCMP_ARCH_PPC64", AUDIT_ARCH_PPC64},
    {"SCMP_ARCH_PPC64LE", AUDIT_ARCH_PPC64LE},
    {"SCMP_ARCH_S390", AUDIT_ARCH_S390},
    {"SCMP_ARCH_S390X", AUDIT_ARCH_S390X},
    {"SCMP_ARCH_PARISC", AUDIT_ARCH_PARISC},
    {"SCMP_ARCH_PARISC64", AUDIT_ARCH_PARISC64},
    {"SCMP_ARCH_RISCV64", AUDIT_ARCH_RISCV64},
    {"SCMP_ARCH_LOONGARCH64", AUDIT_ARCH_LOONGARCH64},
    {"SCMP_ARCH_M68K", AUDIT_ARCH_M68K},
    {"SCMP_ARCH_SH", AUDIT_ARCH_SHEL},
    {"SCMP_ARCH_SHEB", AUDIT_ARCH_SH},
};

/// seccomp(2).
inline constexpr Named<std::uint32_t> seccomp_flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

inline constexpr Named<PersonalityDomain> personality_domains[] = {
    {"LINUX", PersonalityDomain::linux64},
    {"LINUX32", PersonalityDomain::linux32},
};

struct PropagationMode {
  RootfsPropagation type = RootfsPropagation::unset;
  bool recursive = false;
  bool operator==(const PropagationMode&) const = default;
};

/// linux.rootfsPropagation; the r-forms are not in the specification, other runtimes accept them.
inline constexpr Named<PropagationMode> rootfs_propagations[] = {
    {"shared", {RootfsPropagation::shared, false}},    {"slave", {RootfsPropagation::slave, false}},
    {"private", {RootfsPropagation::private_, false}}, {"unbindable", {RootfsPropagation::unbindable, false}},
    {"rshared", {RootfsPropagation::shared, true}},    {"rslave", {RootfsPropagation::slave, true}},
    {"rprivate", {RootfsPropagation::private_, true}}, {"runbindable", {RootfsPropagation::unbindable, true}},
};

/// Hook arrays in the order of the lifecycle (runtime.md); the value is the member of Hooks.
inline constexpr Named<std::vector<Hook> Hooks::*> hook_kinds[] = {
    {"prestart", &Hooks::prestart},
    {"createRuntime", &Hooks::create_runtime},
    {"createContainer", &Hooks::create_container},
    {"startContainer", &Hooks::start_container},
    {"poststart", &Hooks::poststart},
    {"poststop", &Hooks::poststop},
};

/// Clocks of linux.timeOffsets (time_namespaces(7)).
inline constexpr std::string_view time_clocks[] = {"monotonic", "boottime"};

}  // namespace ocx::spec
