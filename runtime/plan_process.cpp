#include <linux/capability.h>
#include <sched.h>

#include <algorithm>

#include "runtime/environment.hpp"
#include "runtime/plan_parts.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

/// config.md "Linux Process": a capability that can't be granted is a warning, not an error.
std::uint64_t grantable(const ProcessInput& in, const char* set, std::uint64_t wanted) {
  const std::uint64_t known =
      in.host.last_capability >= 63 ? ~0ULL : (1ULL << (in.host.last_capability + 1)) - 1;
  // In a user namespace of its own init has every capability the kernel knows.
  const std::uint64_t possible = in.own_user_namespace ? known : known & in.host.permitted_capabilities;
  const std::uint64_t lost = wanted & ~possible;
  for (unsigned bit = 0; bit < 64; ++bit)
    if ((lost >> bit & 1U) != 0)
      in.warnings.push_back("capability " + spec::capability_name(bit) +
                            " can't be granted here, ignoring (" + pointer("/process/capabilities", set) +
                            ")");
  return wanted & possible;
}

spec::Capabilities plan_capabilities(const ProcessInput& in) {
  // Absent: nothing was granted, so all sets are empty.
  const spec::Capabilities wanted = in.process.capabilities.value_or(spec::Capabilities{});
  spec::Capabilities out;
  out.bounding = grantable(in, "bounding", wanted.bounding);
  out.permitted = grantable(in, "permitted", wanted.permitted);
  out.effective = grantable(in, "effective", wanted.effective);
  out.inheritable = grantable(in, "inheritable", wanted.inheritable);
  out.ambient = grantable(in, "ambient", wanted.ambient);
  return out;
}

std::vector<gid_t> plan_groups(const spec::User& user) {
  std::vector<gid_t> groups;
  for (const std::uint32_t gid : user.additional_gids)
    if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
  return groups;
}

/// crun's annotation: the caller's supplementary groups stay, which is all a user namespace can have of
/// groups it does not map.
bool keeps_groups(const ProcessInput& in) {
  for (const char* name : {"run.oci.keep_original_groups", "io.crun.keep_original_groups"}) {
    const auto found = in.annotations.find(name);
    if (found == in.annotations.end() || found->second.empty() || found->second == "0") continue;
    if (found->second != "1")
      throw Error("annotation " + std::string(name) + " is " + sys::quote(found->second) + ", not 0 or 1",
                  ErrorKind::invalid_config)
          .at(pointer("/annotations", name));
    if (!in.process.user.additional_gids.empty())
      in.warnings.push_back("the caller's groups are kept (annotation " + std::string(name) +
                            "): additionalGids can't be added, ignoring (/process/user/additionalGids)");
    return true;
  }
  return false;
}

/// With CAP_SYS_RESOURCE on the host the parent sets limits last, from outside: also above those a user
/// namespace may set. Without it nobody may change the limits of another user's process, and init sets its
/// own before it changes user.
bool parent_sets_limits(const ProcessInput& in) {
  // A process that joins without a change of user namespace has all the parent's rights until it gives them
  // up.
  if (in.exec && !in.own_user_namespace) return false;
  return (in.host.permitted_capabilities >> CAP_SYS_RESOURCE & 1U) != 0;
}

step::SetRlimit planned_limit(const spec::Rlimit& limit) {
  return {limit.resource, limit.soft, limit.hard};
}

bool notifies(const spec::Seccomp& seccomp) {
  return std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(), [](const spec::SeccompSyscalls& rule) {
    return rule.action == spec::SeccompAction::notify;
  });
}

/// What the process lays on itself. Without no_new_privs that needs CAP_SYS_ADMIN, so it happens before
/// capabilities are dropped; else as late as possible, so that the fewest calls of ocx's own have to be
/// allowed. A listener is for the parent, which is there until Ready.
void plan_filters(const ProcessInput& in, Plan& plan, std::vector<InitStep>& steps) {
  plan_landlock(in, steps);  // first: a filter may well forbid its calls
  if (in.linux.seccomp) steps.push_back({"/linux/seccomp", step::LoadSeccomp{notifies(*in.linux.seccomp)}});
  plan.seccomp = in.linux.seccomp;
}

void plan_identity(const ProcessInput& in, Plan& plan) {
  const spec::Process& process = in.process;
  const spec::Capabilities capabilities = plan_capabilities(in);
  plan.enter.push_back({"/process/capabilities/bounding", step::DropBounding{capabilities.bounding}});
  // Labels change at exec only; the files that ask for it are out of reach once the user has changed.
  plan_labels(in, plan.enter);
  if (process.no_new_privileges) plan.enter.push_back({"/process/noNewPrivileges", step::NoNewPrivileges{}});

  if (!parent_sets_limits(in))
    for (std::size_t i = 0; i < process.rlimits.size(); ++i)
      plan.enter.push_back({pointer("/process/rlimits", i), planned_limit(process.rlimits[i])});

  using Phase = step::EnterDirectory::Phase;
  plan.enter.push_back({"/process/cwd", step::EnterDirectory{process.cwd, Phase::enter}});
  step::SetUser user;
  user.uid = process.user.uid;
  user.gid = process.user.gid;
  user.set_groups = !keeps_groups(in);
  if (user.set_groups) user.groups = plan_groups(process.user);
  user.umask = process.user.umask;
  if (!user.umask && !in.exec) user.umask = 0022;  // images expect it; callers run with odd umasks
  plan.enter.push_back({"/process/user", std::move(user)});
  plan.enter.push_back({"/process/cwd", step::EnterDirectory{process.cwd, Phase::enter_as_user}});
  if (!process.no_new_privileges) plan_filters(in, plan, plan.enter);
  plan.enter.push_back({"/process/capabilities", step::SetCapabilities{capabilities}});
}

}  // namespace

void plan_process(const ProcessInput& in, Plan& plan) {
  const spec::Process& process = in.process;
  plan.args = process.args;
  plan.cwd = process.cwd;
  plan.env = payload_environment(process.env);
  if (in.host.notify_socket && in.own_mount_namespace) {
    set_variable(plan.env, "NOTIFY_SOCKET", std::string(notify_target) + "/notify.sock");
    plan.notify = true;
  }

  if (in.linux.personality)
    plan.enter.push_back({"/linux/personality",
                          step::Personality{*in.linux.personality == spec::PersonalityDomain::linux32
                                                ? 0x0008UL      // PER_LINUX32
                                                : 0x0000UL}});  // PER_LINUX
  if (in.linux.memory_policy)
    plan.enter.push_back({"/linux/memoryPolicy", step::SetMemoryPolicy{*in.linux.memory_policy}});
  plan_identity(in, plan);
  plan.enter.push_back(
      {"/process/args/0", step::FindExecutable{process.args.at(0), variable(plan.env, "PATH").value_or("")}});

  const bool listener = in.linux.seccomp && notifies(*in.linux.seccomp);
  if (process.no_new_privileges) plan_filters(in, plan, listener ? plan.enter : plan.last);

  if (process.oom_score_adj)
    plan.attributes.push_back(
        {"/process/oomScoreAdj",
         step::OomScoreAdj{*process.oom_score_adj, in.host.euid != 0 || in.host.in_user_namespace}});
  if (parent_sets_limits(in))
    for (std::size_t i = 0; i < process.rlimits.size(); ++i)
      plan.attributes.push_back({pointer("/process/rlimits", i), planned_limit(process.rlimits[i])});
  if (process.scheduler)
    plan.attributes.push_back({"/process/scheduler", step::SetScheduler{*process.scheduler}});
  if (process.io_priority)
    plan.attributes.push_back({"/process/ioPriority", step::SetIoPriority{*process.io_priority}});
  plan_core_scheduling(in, plan);
}

}  // namespace ocx::runtime
