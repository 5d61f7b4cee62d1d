#include "sys/core_scheduling.hpp"

#include <unistd.h>

#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

// Only the calling thread can carry a cookie over, and it can't put it down again: hooks and whatever else
// ocx starts would share the container's cores. So a child does it.
int share(int with, int pid) {
  if (pid == 0) return sys::try_sched_core_take(with);  // ocx's own child, about to become the program
  const sys::CloneResult child = sys::clone3(0);
  if (child.pid == 0) {
    const int error = sys::try_sched_core_take(with);
    ::_exit(error != 0 ? error : sys::try_sched_core_give(pid));
  }
  const sys::ExitStatus status = sys::wait_for_child(child.pidfd);
  return status.signal != 0 ? EINTR : status.code;
}

std::string reason(int error_number) {
  switch (error_number) {
    case EINVAL:
      return "the kernel was built without it (CONFIG_SCHED_CORE, since Linux 5.14)";
    case ENODEV:
      return "no core of this machine runs more than one thread, so no two programs ever share one";
    case ESRCH:
      return "the process to share with is gone";
    case EPERM:
      return "sharing needs the right to trace the other process (ptrace(2))";
    default:
      return {};
  }
}

}  // namespace

void execute(int init_pid, const sys::Procfs&, const step::CoreScheduling& step) {
  const int with = step.request.share_with;
  const int error = with == 0 ? sys::try_sched_core_create(init_pid) : share(with, init_pid);
  if (error == 0) return;
  const std::string call =
      with == 0 ? "prctl PR_SCHED_CORE_CREATE" : "prctl PR_SCHED_CORE_SHARE_FROM " + std::to_string(with);
  const bool none = error == EINVAL || error == ENODEV;
  std::string text = "core scheduling: " + (none ? reason(error) : call);
  Error failure(std::move(text), none ? ErrorKind::unsupported : ErrorKind::failed, none ? 0 : error);
  throw failure.hint(none ? "leave the annotation out" : reason(error));
}

}  // namespace ocx::runtime
