// Identity, capabilities, limits and scheduling of processes (sys/process.hpp).
#include <grp.h>
#include <linux/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::sys {
namespace {

constexpr const char* resource_names[] = {
    "RLIMIT_CPU",      "RLIMIT_FSIZE",  "RLIMIT_DATA",    "RLIMIT_STACK", "RLIMIT_CORE",  "RLIMIT_RSS",
    "RLIMIT_NPROC",    "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS",    "RLIMIT_LOCKS", "RLIMIT_SIGPENDING",
    "RLIMIT_MSGQUEUE", "RLIMIT_NICE",   "RLIMIT_RTPRIO",  "RLIMIT_RTTIME"};

std::string resource_name(int resource) {
  if (resource >= 0 && resource < static_cast<int>(std::size(resource_names)))
    return resource_names[resource];  // NOLINT: index checked
  return "resource " + std::to_string(resource);
}

std::string limit_text(std::uint64_t value) {
  return value == RLIM64_INFINITY ? "unlimited" : std::to_string(value);
}

// A 64-bit set is two words, low first, in version 3 of the interface.
__user_cap_header_struct capability_header() {
  return {_LINUX_CAPABILITY_VERSION_3, 0};
}

constexpr std::uint32_t low(std::uint64_t set) {
  return static_cast<std::uint32_t>(set);
}
constexpr std::uint32_t high(std::uint64_t set) {
  return static_cast<std::uint32_t>(set >> 32U);
}
constexpr std::uint64_t both(std::uint32_t low_word, std::uint32_t high_word) {
  return low_word | static_cast<std::uint64_t>(high_word) << 32U;
}

}  // namespace

void setresuid(uid_t uid) {
  if (::setresuid(uid, uid, uid) != 0) throw_errno("setresuid " + std::to_string(uid));
}

void setresgid(gid_t gid) {
  if (::setresgid(gid, gid, gid) != 0) throw_errno("setresgid " + std::to_string(gid));
}

void setgroups(const std::vector<gid_t>& groups) {
  if (::setgroups(groups.size(), groups.data()) == 0) return;
  const int error_number = errno;
  std::string text = "setgroups [";
  for (const gid_t group : groups) text.append(text.back() == '[' ? "" : ",").append(std::to_string(group));
  throw_errno(text + "]", error_number);
}

void umask(mode_t mask) {
  ::umask(mask);
}

int try_fchown_user(FdRef fd, uid_t uid) {
  return ::fchown(fd.raw(), uid, static_cast<gid_t>(-1)) == 0 ? 0 : errno;
}

void prlimit(int pid, int resource, std::uint64_t soft, std::uint64_t hard) {
  const rlimit64 limits{soft, hard};
  if (::syscall(SYS_prlimit64, pid, resource, &limits, nullptr) != 0)
    throw_errno("prlimit " + resource_name(resource) + " soft=" + limit_text(soft) +
                " hard=" + limit_text(hard));
}

Limits get_prlimit(int pid, int resource) {
  rlimit64 limits{};
  if (::syscall(SYS_prlimit64, pid, resource, nullptr, &limits) != 0)
    throw_errno("prlimit " + resource_name(resource));
  return {limits.rlim_cur, limits.rlim_max};
}

void personality(unsigned long domain) {
  if (::personality(domain) < 0) throw_errno("personality " + std::to_string(domain));
}

int prctl(const char* name, int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  const int result = ::prctl(option, a, b, c, d);
  if (result < 0) throw_errno(std::string("prctl ") + name);
  return result;
}

int try_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  const int result = ::prctl(option, a, b, c, d);
  return result < 0 ? -errno : result;
}

void sched_setattr(int pid, const SchedAttributes& attributes) {
  // struct sched_attr of linux/sched/types.h, first version (48 bytes); the C library declares another of
  // that name.
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
  } kernel{48,
           attributes.policy,
           attributes.flags,
           attributes.nice,
           attributes.priority,
           attributes.runtime,
           attributes.deadline,
           attributes.period};
  static_assert(sizeof(kernel) == 48);
  if (::syscall(SYS_sched_setattr, pid, &kernel, 0) != 0)
    throw_errno("sched_setattr policy=" + std::to_string(attributes.policy) + " nice=" +
                std::to_string(attributes.nice) + " priority=" + std::to_string(attributes.priority));
}

void sched_setaffinity(const std::vector<unsigned>& cpus) {
  constexpr unsigned bits = 8 * sizeof(unsigned long);
  std::vector<unsigned long> mask(1);
  for (const unsigned cpu : cpus) {
    if (cpu / bits >= mask.size()) mask.resize(cpu / bits + 1);
    mask[cpu / bits] |= 1UL << cpu % bits;
  }
  // The system call itself: glibc's fixed set ends at CPU 1023.
  if (::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(unsigned long), mask.data()) < 0)
    throw_errno("sched_setaffinity");
}

void ioprio_set_group(int pgrp, int io_class, int priority) {
  constexpr int who_pgrp = 2, class_shift = 13;
  if (::syscall(SYS_ioprio_set, who_pgrp, pgrp, (io_class << class_shift) | priority) != 0)
    throw_errno("ioprio_set class=" + std::to_string(io_class) + " priority=" + std::to_string(priority));
}

CapabilitySets capget() {
  __user_cap_header_struct header = capability_header();
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) throw_errno("capget");
  return {both(data[0].effective, data[1].effective), both(data[0].permitted, data[1].permitted),
          both(data[0].inheritable, data[1].inheritable)};
}

void capset(const CapabilitySets& sets) {
  __user_cap_header_struct header = capability_header();
  const __user_cap_data_struct data[2] = {
      {low(sets.effective), low(sets.permitted), low(sets.inheritable)},
      {high(sets.effective), high(sets.permitted), high(sets.inheritable)}};
  if (::syscall(SYS_capset, &header, data) != 0) throw_errno("capset");
}

bool bounding_has(unsigned capability) {
  return try_prctl(PR_CAPBSET_READ, capability) == 1;
}

void bounding_drop(unsigned capability) {
  if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
    throw_errno("prctl PR_CAPBSET_DROP " + std::to_string(capability));
}

unsigned last_capability() {
  // EINVAL beyond the last one: six calls find it, without the open, read and close of
  // /proc/sys/kernel/cap_last_cap.
  unsigned known = 0, unknown = 64;
  while (unknown - known > 1) {
    const unsigned middle = (known + unknown) / 2;
    (try_prctl(PR_CAPBSET_READ, middle) >= 0 ? known : unknown) = middle;
  }
  return known;
}

}  // namespace ocx::sys
