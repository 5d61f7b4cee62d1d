// The parts of plan(), each a pure function of the configuration; a topic a file.
#pragma once

#include <string>
#include <vector>

#include "cgroups/settings.hpp"
#include "runtime/plan.hpp"

namespace ocx::runtime {

/// What all parts look at.
struct PlanInput {
  const spec::Config& config;
  const CreateRequest& request;
  const Globals& globals;
  const HostFacts& host;
  std::vector<std::string>& warnings;

  /// The container has this namespace for itself, new or joined.
  bool own(std::uint64_t flag) const {
    return config.linux.find(flag) != nullptr && (host.joined_own & flag) == 0;
  }
  bool makes(std::uint64_t flag) const {
    const spec::Namespace* ns = config.linux.find(flag);
    return ns != nullptr && ns->path.empty();
  }
  /// Devices can't be made by mknod(2): the kernel refuses it outside the initial user namespace.
  bool bind_devices() const;
};

/// Where the payload finds the socket of NOTIFY_SOCKET.
inline constexpr const char* notify_target = "/run/notify";

/// "/a/0/b": a JSON pointer; names are escaped (RFC 6901).
std::string pointer(std::string_view base, std::string_view name);
std::string pointer(std::string_view base, std::size_t index);

/// Refuses, with its origin, every valid property this version does not execute; never silence.
void refuse_unsupported(const PlanInput& in);

/// Refuses what would change the host because a namespace is joined that is the runtime's own; the parser
/// can't see that.
void refuse_host_changes(const PlanInput& in);

/// Which version each controller has there.
cgroups::Versions cgroup_versions(const HostFacts& host);

Namespaces plan_namespaces(const PlanInput& in);
/// Whether a user of the container gets the cgroup, and who that is on the host.
std::optional<CgroupOwner> plan_cgroup_owner(const PlanInput& in, const Namespaces& namespaces);
/// Host name, sysctl, loopback, keyring: what needs the new namespaces and nothing of the rootfs.
void plan_namespace_steps(const PlanInput& in, Plan& plan);
void plan_sysctl(const PlanInput& in, Plan& plan);

/// Propagation, rootfs, mounts, devices, links.
void plan_rootfs(const PlanInput& in, Plan& plan);
/// Pivot, console, read-only and masked paths.
void plan_enter(const PlanInput& in, Plan& plan);

/// Devices of the container: the specification's defaults, replaced or extended by linux.devices.
std::vector<step::DeviceNode> plan_devices(const PlanInput& in);
/// /dev/ptmx, /dev/fd and the like.
std::vector<step::SymbolicLink> plan_links(const PlanInput& in);

/// The process that is planned: init's own, or one that `exec` adds to a container.
struct ProcessInput {
  const spec::Process& process;
  const spec::Linux& linux;  // personality, memory policy and seccomp are looked at
  const std::map<std::string, std::string>& annotations;
  const HostFacts& host;
  bool own_user_namespace = false;  // the container's is not the runtime's
  bool own_mount_namespace = true;
  bool exec = false;  // it joins
  std::vector<std::string>& warnings;
};
/// Identity, confinement, capabilities, cwd, executable; and what the parent sets on the process.
void plan_process(const ProcessInput& in, Plan& plan);

}  // namespace ocx::runtime
