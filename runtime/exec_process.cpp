#include "runtime/exec_process.hpp"

#include "spec/validate.hpp"

namespace ocx::runtime {
namespace {

void add_capabilities(spec::Process& process, std::uint64_t added) {
  if (added == 0) return;
  if (!process.capabilities) process.capabilities.emplace();
  spec::Capabilities& sets = *process.capabilities;
  sets.bounding |= added;
  sets.permitted |= added;
  sets.effective |= added;
  // Inheritable ones would turn the file capabilities of any program into privileges (CVE-2022-29162); only a
  // container that has some on purpose gets more.
  if (sets.inheritable == 0) return;
  sets.inheritable |= added;
  sets.ambient |= added;
}

void change_user(spec::User& user, const ExecChanges& changes) {
  if (changes.uid) user.uid = *changes.uid;
  if (changes.gid) user.gid = *changes.gid;
  user.additional_gids.insert(user.additional_gids.end(), changes.additional_gids.begin(),
                              changes.additional_gids.end());
}

}  // namespace

spec::Process changed_process(spec::Process process, const ExecChanges& changes) {
  if (!changes.args.empty()) process.args = changes.args;
  if (changes.cwd) process.cwd = *changes.cwd;
  process.env.insert(process.env.end(), changes.env.begin(), changes.env.end());
  change_user(process.user, changes);
  add_capabilities(process, changes.capabilities);
  if (changes.apparmor_profile) process.apparmor_profile = *changes.apparmor_profile;
  if (changes.selinux_label) process.selinux_label = *changes.selinux_label;
  if (changes.no_new_privileges) process.no_new_privileges = *changes.no_new_privileges;
  process.terminal = process.terminal || changes.terminal;
  spec::Warnings given_by_create;
  spec::validate_process(process, "/process", given_by_create);
  return process;
}

}  // namespace ocx::runtime
