#include "sys/core_scheduling.hpp"

#include <sys/prctl.h>

#include <cerrno>

namespace ocx::sys {
namespace {

// linux/prctl.h of Linux 5.14.
constexpr int sched_core = 62;
constexpr unsigned long get = 0, create = 1, share_to = 2, share_from = 3;
constexpr unsigned long thread = 0, thread_group = 1;

int call(unsigned long command, int pid, unsigned long scope, std::uint64_t* cookie = nullptr) {
  return ::prctl(sched_core, command, static_cast<unsigned long>(pid), scope, cookie) == 0 ? 0 : errno;
}

}  // namespace

int try_sched_core_create(int pid) {
  return call(create, pid, thread_group);
}

// The kernel copies to and from the calling thread alone.
int try_sched_core_take(int pid) {
  return call(share_from, pid, thread);
}

int try_sched_core_give(int pid) {
  return call(share_to, pid, thread_group);
}

int try_sched_core_get(int pid, std::uint64_t& cookie) {
  return call(get, pid, thread, &cookie);
}

}  // namespace ocx::sys
