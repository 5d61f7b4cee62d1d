// config.md, "Process".
#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::uint32_t no_id = 0xffffffff, policy_deadline = 6;

// setresuid(2) and setgroups(2) take -1 for "unchanged" or refuse it.
void check_id(std::uint32_t id, std::string_view origin) {
  if (id == no_id) throw broken("4294967295 is no id: Linux takes it as \"none\"", origin);
}

void validate_user(const User& user, const std::string& base) {
  check_id(user.uid, pointer(base, {"uid"}));
  check_id(user.gid, pointer(base, {"gid"}));
  for (std::size_t i = 0; i < user.additional_gids.size(); ++i)
    check_id(user.additional_gids[i], pointer(pointer(base, {"additionalGids"}), i));
  if (user.umask.value_or(0) > 0777)
    throw broken("umask " + std::to_string(*user.umask) + " is more than permission bits",
                 pointer(base, {"umask"}))
        .hint("JSON knows no octal numbers: 022 is 18");
}

void validate_rlimits(const std::vector<Rlimit>& rlimits, const std::string& base) {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < rlimits.size(); ++i) {
    const Rlimit& rlimit = rlimits[i];
    const std::string name(name_of(rlimit_types, rlimit.resource));
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(rlimit.resource);
    if (seen & bit)
      throw broken(name + " is listed twice", pointer(pointer(base, i), {"type"})).hint("remove one entry");
    seen |= bit;
    if (rlimit.soft > rlimit.hard)
      throw broken(name + ": the soft limit " + std::to_string(rlimit.soft) + " is above the hard limit " +
                       std::to_string(rlimit.hard),
                   pointer(pointer(base, i), {"soft"}));
  }
}

bool is_realtime(const Scheduler& scheduler) {
  return scheduler.policy == 1 || scheduler.policy == 2;
}

// sched_setattr(2): priorities 1 to 99 belong to SCHED_FIFO and SCHED_RR, all others have 0.
void validate_priority(const Scheduler& scheduler, const std::string& base) {
  if (scheduler.nice < -20 || scheduler.nice > 19)
    throw broken("nice " + std::to_string(scheduler.nice) + " is out of range -20..19",
                 pointer(base, {"nice"}));
  const std::string policy(name_of(scheduler_policies, scheduler.policy));
  const std::string origin = pointer(base, {"priority"});
  if (is_realtime(scheduler) && (scheduler.priority < 1 || scheduler.priority > 99))
    throw broken(policy + " takes a priority in 1..99, not " + std::to_string(scheduler.priority), origin);
  if (!is_realtime(scheduler) && scheduler.priority != 0)
    throw broken(policy + " has no priority", origin).hint("set nice, or use SCHED_FIFO or SCHED_RR");
}

// sched(7), SCHED_DEADLINE: runtime <= deadline <= period; a period of 0 is the deadline.
void validate_deadline(const Scheduler& scheduler, const std::string& base) {
  const bool given = (scheduler.runtime | scheduler.deadline | scheduler.period) != 0;
  if (scheduler.policy != policy_deadline) {
    if (given)
      throw broken("runtime, deadline and period belong to SCHED_DEADLINE", pointer(base, {"policy"}));
    return;
  }
  if (scheduler.runtime < 1024)
    throw broken("SCHED_DEADLINE takes a runtime of at least 1024 nanoseconds", pointer(base, {"runtime"}));
  if (scheduler.deadline < scheduler.runtime)
    throw broken("the deadline is shorter than the runtime", pointer(base, {"deadline"}));
  if (scheduler.period != 0 && scheduler.period < scheduler.deadline)
    throw broken("the period is shorter than the deadline", pointer(base, {"period"}));
}

void validate_scheduler(const Scheduler& scheduler, const std::string& base) {
  if (name_of(scheduler_policies, scheduler.policy) == "SCHED_ISO")
    throw Error("no kernel implements SCHED_ISO", ErrorKind::unsupported).at(pointer(base, {"policy"}));
  validate_priority(scheduler, base);
  validate_deadline(scheduler, base);
  // The specification has the flags, but no util_min and util_max: the kernel would be sent 0, an unwanted
  // clamp.
  constexpr std::uint64_t util_clamp = SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX;
  if (scheduler.flags & util_clamp)
    throw Error("the utilization clamp flags need values that config.json has no property for",
                ErrorKind::unsupported)
        .at(pointer(base, {"flags"}));
}

void check_list(std::string_view list, std::string_view origin) {
  if (!list.empty() && !is_number_list(list))
    throw broken(sys::quote(list) + " is no list of CPUs", origin).hint("such as \"0-3,7\"");
}

void validate_program(const Process& process, std::string_view base) {
  if (process.cwd.empty())
    throw broken("the working directory is empty", pointer(base, {"cwd"})).hint("use \"/\"");
  check_absolute(process.cwd, "the working directory", pointer(base, {"cwd"}));
  if (process.args.empty())
    throw broken("there is no program to run", pointer(base, {"args"})).hint("such as [\"sh\"]");
  check_environment(process.env, pointer(base, {"env"}));
}

}  // namespace

void validate_process(const Process& process, std::string_view base, Warnings& warnings) {
  validate_program(process, base);
  validate_user(process.user, pointer(base, {"user"}));
  validate_rlimits(process.rlimits, pointer(base, {"rlimits"}));
  if (process.scheduler) {
    validate_scheduler(*process.scheduler, pointer(base, {"scheduler"}));
    if (process.scheduler->nice != 0 &&
        (is_realtime(*process.scheduler) || process.scheduler->policy == policy_deadline))
      warnings.push_back("nice has no effect on a real-time process (" +
                         pointer(base, {"scheduler", "nice"}) + "), ignoring");
  }
  if (process.exec_cpu_affinity) {
    check_list(process.exec_cpu_affinity->initial, pointer(base, {"execCPUAffinity", "initial"}));
    check_list(process.exec_cpu_affinity->final, pointer(base, {"execCPUAffinity", "final"}));
  }
}

}  // namespace ocx::spec
