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
  /// The user namespace is of the configuration's making, which therefore knows what is mapped.
  bool maps_configured = false;

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

/// Refuses what would change the host because a namespace is joined that is the runtime's own; the parser
/// can't see that.
void refuse_host_changes(const PlanInput& in);

/// Which version each controller has there.
cgroups::Versions cgroup_versions(const HostFacts& host);

Namespaces plan_namespaces(const PlanInput& in);
std::vector<NetDeviceMove> plan_net_devices(const spec::Linux& linux);
/// Whether a user of the container gets the cgroup, and who that is on the host.
std::optional<CgroupOwner> plan_cgroup_owner(const PlanInput& in, const Namespaces& namespaces);
/// Host name, sysctl, loopback, keyring: what needs the new namespaces and nothing of the rootfs.
void plan_namespace_steps(const PlanInput& in, Plan& plan);
void plan_sysctl(const PlanInput& in, Plan& plan);

/// Propagation, rootfs, mounts, devices, links.
void plan_rootfs(const PlanInput& in, Plan& plan);
/// Refuses what can't become the container's root by a mount over "/" (plan_root_mount.cpp).
void check_root_mount(const PlanInput& in, std::size_t index, const step::Mount& mount);
/// Directories of an overlay, relative to the bundle as sources of binds are, become absolute; in a user
/// namespace it gets the option userxattr. Other mounts are left alone.
void plan_overlay(const PlanInput& in, step::Mount& mount);
/// Pivot, console, read-only and masked paths.
void plan_enter(const PlanInput& in, Plan& plan);

/// Devices of the container: the specification's defaults, replaced or extended by linux.devices.
std::vector<step::DeviceNode> plan_devices(const PlanInput& in);
/// The id map of a mount, if it has one (plan_idmap.cpp).
void plan_id_map(const PlanInput& in, const spec::Mount& mount, step::Mount& out);
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
  int container_init = 0;  // exec: the process whose core scheduling it shares
};

// plan_confinement.cpp
/// Unsupported when a label is asked for and SELinux is not enabled.
void check_selinux_label(const std::string& label, const HostFacts& host, const std::string& origin);
/// linux.mountLabel: `context="LABEL"`, or the word of run.oci.mount_context_type, for file systems that are
/// made for the container; those of the kernel (proc, sysfs) and binds keep what they have.
void label_mount(const PlanInput& in, step::Mount& mount);
/// AppArmor profile and SELinux label, which change at exec.
void plan_labels(const ProcessInput& in, std::vector<InitStep>& steps);
void plan_landlock(const ProcessInput& in, std::vector<InitStep>& steps);
void plan_core_scheduling(const ProcessInput& in, Plan& plan);

/// Identity, confinement, capabilities, cwd, executable; and what the parent sets on the process.
void plan_process(const ProcessInput& in, Plan& plan);

}  // namespace ocx::runtime
