#include <sched.h>

#include "runtime/plan_parts.hpp"
#include "runtime/rootless.hpp"
#include "spec/validate_sysctl.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

void refuse_host_changes(const PlanInput& in) {
  if (in.host.joined_own == 0) return;
  spec::Linux separate = in.config.linux;
  std::erase_if(separate.namespaces, [&](const spec::Namespace& ns) { return !in.own(ns.flag); });
  spec::validate_sysctl(separate);
  const auto need_uts = [&](const char* what, const char* origin) {
    if (in.own(CLONE_NEWUTS)) return;
    throw Error(std::string(what) + " needs the container's own uts namespace", ErrorKind::invalid_config)
        .at(origin)
        .hint("the path in /linux/namespaces is the host's");
  };
  if (!in.config.linux.net_devices.empty() && !in.own(CLONE_NEWNET))
    throw Error("netDevices needs the container's own network namespace", ErrorKind::invalid_config)
        .at("/linux/netDevices")
        .hint("the path in /linux/namespaces is the host's");
  if (in.config.hostname) need_uts("a host name", "/hostname");
  if (in.config.domainname) need_uts("a domain name", "/domainname");
}

std::vector<NetDeviceMove> plan_net_devices(const spec::Linux& linux) {
  std::vector<NetDeviceMove> moves;
  for (const auto& [host_name, device] : linux.net_devices)
    moves.push_back(
        {host_name, device.name.empty() ? host_name : device.name, pointer("/linux/netDevices", host_name)});
  return moves;
}

Namespaces plan_namespaces(const PlanInput& in) {
  const spec::Linux& linux = in.config.linux;
  Namespaces out;
  for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
    const spec::Namespace& ns = linux.namespaces[i];
    if (!in.own(ns.flag)) continue;  // it is in there already
    if (!ns.path.empty())
      out.joins.push_back({ns.flag, ns.path, pointer("/linux/namespaces", i) + "/path"});
    else if (ns.flag == CLONE_NEWTIME)
      out.new_time = true;
    else if (ns.flag != CLONE_NEWCGROUP)
      out.new_flags |= ns.flag;
  }
  if (in.makes(CLONE_NEWUSER)) {
    out.uid_maps = linux.uid_mappings;
    out.gid_maps = linux.gid_mappings;
  } else if (in.own(CLONE_NEWUSER)) {
    out.expected_uid_maps = linux.uid_mappings;
    out.expected_gid_maps = linux.gid_mappings;
  }
  if (out.new_time) out.time_offsets = linux.time_offsets;
  out.through_relay = out.joins_user() || (in.host.in_user_namespace && (out.new_time || !out.joins.empty()));
  return out;
}

void plan_namespace_steps(const PlanInput& in, Plan& plan) {
  if (in.own(CLONE_NEWUSER)) plan.build.push_back({"/linux/namespaces", first_identity(in)});
  if (!in.request.no_new_keyring)
    plan.build.push_back(
        {"", step::SessionKeyring{"_ses." + in.request.id,
                                  in.config.process ? in.config.process->selinux_label : ""}});
  if (in.makes(CLONE_NEWNET)) plan.build.push_back({"/linux/namespaces", step::LoopbackUp{}});
  if (in.config.hostname) plan.build.push_back({"/hostname", step::SetHostname{*in.config.hostname}});
  if (in.config.domainname) plan.build.push_back({"/domainname", step::SetDomainname{*in.config.domainname}});
}

void plan_sysctl(const PlanInput& in, Plan& plan) {
  for (const auto& [name, value] : in.config.linux.sysctl) {
    plan.enter.push_back(
        {pointer("/linux/sysctl", name), step::Sysctl{spec::sysctl_path(name).value(), value}});
  }
}

}  // namespace ocx::runtime
