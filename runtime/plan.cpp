#include "runtime/plan.hpp"

#include <sched.h>

#include "cgroups/manager.hpp"
#include "runtime/plan_parts.hpp"
#include "runtime/rootless.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

namespace {

bool has_join(const Namespaces& namespaces, std::uint64_t flag) {
  for (const JoinNamespace& join : namespaces.joins)
    if (join.flag == flag) return true;
  return false;
}

}  // namespace

Plan::Plan() = default;
Plan::~Plan() = default;
Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;

bool Namespaces::own_mounts() const {
  return (new_flags & CLONE_NEWNS) != 0 || has_join(*this, CLONE_NEWNS);
}

bool Namespaces::own_pids() const {
  return (new_flags & CLONE_NEWPID) != 0;
}

bool Namespaces::joins_user() const {
  return has_join(*this, CLONE_NEWUSER);
}

bool PlanInput::bind_devices() const {
  return host.in_user_namespace || own(CLONE_NEWUSER);
}

std::string pointer(std::string_view base, std::string_view name) {
  std::string out(base);
  out += '/';
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string pointer(std::string_view base, std::size_t index) {
  return std::string(base) + '/' + std::to_string(index);
}

cgroups::Versions cgroup_versions(const HostFacts& host) {
  return {host.v1_controllers, host.cgroup_v2 || host.cgroup2};
}

namespace {

/// Before anything exists, so that no limit is half applied.
void check_resources(const PlanInput& in) {
  if (!in.config.linux.resources) return;
  const spec::Resources& resources = *in.config.linux.resources;
  if (in.globals.cgroup_driver == CgroupDriver::disabled) return cgroups::refuse_limits(resources);
  for (std::string& warning : cgroups::check_resources(resources, cgroup_versions(in.host)))
    in.warnings.push_back(std::move(warning));
}

Plan compile(const PlanInput& in) {
  const auto& [config, request, globals, host, warnings, maps_configured] = in;
  check_selinux_label(config.linux.mount_label, host, "/linux/mountLabel");
  check_resources(in);
  refuse_host_changes(in);

  Plan out;
  out.id = request.id;
  out.oci_version = config.oci_version;
  out.bundle = request.bundle;
  out.rootfs = config.root.path.starts_with('/') ? config.root.path : request.bundle + "/" + config.root.path;
  out.namespaces = plan_namespaces(in);
  out.cgroups_path = config.linux.cgroups_path;
  out.rootless = globals.rootless == Rootless::yes ||
                 (globals.rootless == Rootless::automatic && (host.euid != 0 || host.in_user_namespace));
  out.cgroup_owner = plan_cgroup_owner(in, out.namespaces);
  out.resources = config.linux.resources;
  out.intel_rdt = config.linux.intel_rdt;
  out.net_devices = plan_net_devices(config.linux);
  out.hooks = config.hooks;
  out.annotations = config.annotations;
  out.has_process = config.process.has_value();
  out.terminal = out.has_process && config.process->terminal;
  out.preserve_fds = request.preserve_fds + host.listen_fds;
  out.listen_fds = host.listen_fds;

  plan_namespace_steps(in, out);
  plan_rootfs(in, out);
  plan_enter(in, out);
  if (config.process)
    plan_process({*config.process, config.linux, config.annotations, host, in.own(CLONE_NEWUSER),
                  out.namespaces.own_mounts(), false, warnings},
                 out);
  return out;
}

}  // namespace

Plan plan(const spec::Config& config, const CreateRequest& request, const Globals& globals,
          const HostFacts& host, std::vector<std::string>& warnings) {
  if (lacks_user_namespace(config, host)) {
    const spec::Config adapted = with_user_namespace(config, host);
    return compile({adapted, request, globals, host, warnings});
  }
  return compile({config, request, globals, host, warnings, config.linux.find(CLONE_NEWUSER) != nullptr});
}

}  // namespace ocx::runtime
