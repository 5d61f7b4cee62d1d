#include "runtime/exec_plan.hpp"

#include <sched.h>

#include "runtime/plan_parts.hpp"

namespace ocx::runtime {
namespace {

step::Console console(const Record& record, const spec::Process& process, const ExecFacts& facts) {
  step::Console out;
  // The caller's terminal is what the program will be seen in.
  out.size = facts.terminal_size ? facts.terminal_size : process.console_size;
  out.own_mount_namespace = record.own_mount_namespace;
  out.uid = process.user.uid;
  out.bind = false;
  return out;
}

}  // namespace

Plan plan_exec(const Record& record, const spec::Config& kept, const spec::Process& process,
               const ExecRequest& request, const ExecFacts& facts, std::vector<std::string>& warnings) {
  Plan plan;
  plan.id = record.id;
  plan.oci_version = record.oci_version;
  plan.bundle = record.bundle;
  plan.rootfs = record.rootfs;
  plan.annotations = record.annotations;
  plan.has_process = true;
  plan.terminal = process.terminal;
  plan.preserve_fds = request.preserve_fds + facts.host.listen_fds;
  plan.listen_fds = facts.host.listen_fds;

  const bool own_user_namespace = (facts.namespaces & CLONE_NEWUSER) != 0;
  if (own_user_namespace)
    plan.build.push_back({"", step::BecomeRoot{.uid = facts.root_uid, .gid = facts.root_gid}});
  if (record.own_keyring)
    plan.build.push_back({"", step::SessionKeyring{"_ses." + record.id, process.selinux_label}});
  if (process.terminal) plan.enter.push_back({"/process/terminal", console(record, process, facts)});
  plan_process({process, kept.linux, record.annotations, facts.host, own_user_namespace,
                record.own_mount_namespace, true, warnings, record.pid},
               plan);
  return plan;
}

}  // namespace ocx::runtime
