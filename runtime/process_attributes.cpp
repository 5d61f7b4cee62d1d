#include <cerrno>
#include <string>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

std::string limit_text(std::uint64_t value) {
  return value == ~0ULL ? "unlimited" : std::to_string(value);
}

template <class Call>
void with_permission_hint(const char* remedy, Call&& call) {
  try {
    call();
  } catch (Error& error) {
    if (error.error_number() == EPERM) error.hint(remedy);
    throw;
  }
}

/// `pid` 0: the calling process.
void set_limit(int pid, const step::SetRlimit& step) {
  try {
    sys::prlimit(pid, step.resource, step.soft, step.hard);
  } catch (Error& error) {
    if (error.error_number() == EPERM)
      error.hint("the hard limit is " + limit_text(sys::get_prlimit(pid, step.resource).hard) +
                 "; raising it needs CAP_SYS_RESOURCE (and RLIMIT_NOFILE stays below fs.nr_open)");
    throw;
  }
}

}  // namespace

void execute(InitContext&, const step::Personality& step) {
  sys::personality(step.domain);
}

void execute(int init_pid, const sys::Procfs& proc, const step::OomScoreAdj& step) {
  const int error_number = proc.try_write(
      (init_pid == 0 ? "self" : std::to_string(init_pid)) + "/oom_score_adj", std::to_string(step.value));
  if (error_number == 0) return;
  Error error = Error::from_errno("write oom_score_adj " + std::to_string(step.value), error_number);
  if (step.optional && (error_number == EACCES || error_number == EPERM))
    return sys::log_warning(std::string(error.what()) + " (/process/oomScoreAdj), ignoring");
  if (error_number == EACCES) error.hint("lowering oomScoreAdj below the caller's needs CAP_SYS_RESOURCE");
  throw error;
}

void execute(InitContext&, const step::SetRlimit& step) {
  set_limit(0, step);
}

void execute(int init_pid, const sys::Procfs&, const step::SetRlimit& step) {
  set_limit(init_pid, step);
}

void execute(int init_pid, const sys::Procfs&, const step::SetScheduler& step) {
  const spec::Scheduler& wanted = step.scheduler;
  sys::SchedAttributes attributes;
  attributes.policy = wanted.policy;
  attributes.flags = wanted.flags;
  attributes.nice = wanted.nice;
  attributes.priority = static_cast<std::uint32_t>(wanted.priority);
  attributes.runtime = wanted.runtime;
  attributes.deadline = wanted.deadline;
  attributes.period = wanted.period;
  with_permission_hint(
      "a lower nice value needs CAP_SYS_NICE; a real-time policy also a share of the cgroup's (v1: "
      "resources/cpu/realtimeRuntime)",
      [&] { sys::sched_setattr(init_pid, attributes); });
}

void execute(int init_pid, const sys::Procfs&, const step::SetIoPriority& step) {
  // Init leads a session and so a process group of its own: nothing but the container is in it.
  with_permission_hint("IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN", [&] {
    sys::ioprio_set_group(init_pid, step.priority.io_class, step.priority.priority);
  });
}

}  // namespace ocx::runtime
