#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#include "runtime/plan_parts.hpp"
#include "runtime/rootless.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

std::uint64_t propagation_flag(spec::RootfsPropagation propagation) {
  switch (propagation) {
    case spec::RootfsPropagation::shared:
      return MS_SHARED;
    case spec::RootfsPropagation::private_:
      return MS_PRIVATE;
    case spec::RootfsPropagation::unbindable:
      return MS_UNBINDABLE;
    default:
      return MS_SLAVE;
  }
}

/// Propagation of the whole tree before anything is mounted. A shared root leaves the host's peers alone
/// (mount events have to travel both ways); an unbindable one could not be bound onto itself, so that flag
/// comes after the pivot.
std::uint64_t early_propagation(const spec::Linux& linux) {
  switch (linux.rootfs_propagation) {
    case spec::RootfsPropagation::shared:
      return MS_SHARED;
    case spec::RootfsPropagation::private_:
      return MS_PRIVATE | MS_REC;
    default:
      return MS_SLAVE | MS_REC;
  }
}

void check_kind(const spec::Mount& mount, const std::string& origin) {
  if (mount.type.empty() || mount.type == "bind" || mount.type == "none")
    throw Error("mount on " + sys::quote(mount.destination) + " has no file system type and is no bind mount",
                ErrorKind::invalid_config)
        .at(origin + "/options")
        .hint("add \"bind\" or \"rbind\" to its options, or name a type");
}

/// Options that only make sense for some kinds of mounts, which other runtimes drop silently.
void check_links(const spec::Mount& mount, const step::Mount& planned) {
  const spec::MountOptions& options = planned.options;
  const auto refuse = [&](const char* option, const std::string& why) {
    throw Error("mount on " + sys::quote(planned.target) + ": option " + option + " " + why,
                ErrorKind::invalid_config)
        .at(planned.origin + "/options");
  };
  const bool bind = planned.kind == step::Mount::Kind::bind;
  if (options.copy_symlink && !bind) refuse("copy-symlink", "is for bind mounts");
  if (options.src_nofollow && !bind) refuse("src-nofollow", "is for bind mounts");
  const bool fixed = mount.type == "proc" || mount.type == "sysfs" || mount.type == "devpts";
  if (options.dest_nofollow && !bind && fixed)
    refuse("dest-nofollow", "does not go with " + mount.type + ": its place has to be a directory");
  if (options.dest_nofollow && planned.kind == step::Mount::Kind::cgroup)
    refuse("dest-nofollow", "does not go with " + mount.type);
}

/// config.md "Linux mount options": unknown ones go to mount(2) as file system options, and a bind mount
/// ignores these. A mapping without mappings is none of them.
void drop_file_system_options(const PlanInput& in, step::Mount& bind) {
  for (const spec::MountOptions::Data& option : bind.options.data) {
    const std::string origin = pointer(bind.origin + "/options", option.index);
    if (option.text == "idmap=" || option.text == "ridmap=")
      throw Error("invalid option " + sys::quote(option.text) + ": it names no mappings",
                  ErrorKind::invalid_config)
          .at(origin);
    in.warnings.push_back("option " + sys::quote(option.text) + " has no effect on a bind mount, ignoring (" +
                          origin + ")");
  }
  bind.options.data.clear();
}

step::Mount plan_mount(const PlanInput& in, std::size_t index) {
  const spec::Mount& mount = in.config.mounts[index];
  const std::string origin = pointer("/mounts", index);
  step::Mount out;
  out.origin = origin;
  out.type = mount.type;
  out.source = mount.source;
  out.target = sys::clean_path("/" + mount.destination);
  if (!mount.destination.starts_with('/'))
    in.warnings.push_back("mount destination " + sys::quote(mount.destination) + " is relative, taken as " +
                          sys::quote(out.target) + " (" + origin + "/destination)");
  out.options = spec::parse_mount_options(mount.options);
  if (out.options.remount) {
    out.kind = step::Mount::Kind::remount;
  } else if (out.options.bind) {
    out.kind = step::Mount::Kind::bind;
    if (mount.source.empty())
      throw Error("bind mount on " + sys::quote(out.target) + " has no source", ErrorKind::invalid_config)
          .at(origin);
    if (!mount.source.starts_with('/')) out.source = in.request.bundle + "/" + mount.source;
    drop_file_system_options(in, out);
  } else {
    check_kind(mount, origin);
    if (mount.type == "cgroup" || mount.type == "cgroup2") out.kind = step::Mount::Kind::cgroup;
  }
  if (out.target == "/") check_root_mount(in, index, out);
  check_links(mount, out);
  plan_overlay(in, out);
  plan_id_map(in, mount, out);
  return out;
}

/// Things are still to be made in it: mount points, devices. Not so on a disk: a superblock that was mounted
/// writable needs a disk that can be written.
bool is_filled_later(const step::Mount& mount) {
  const bool bind = mount.kind == step::Mount::Kind::bind;
  if (mount.target == "/") return bind || mount.type == "overlay" || !mount.source.starts_with('/');
  return mount.kind == step::Mount::Kind::filesystem && (mount.type == "tmpfs" || mount.target == "/dev");
}

/// A read-only root, tmpfs or /dev becomes read-only after the pivot.
void delay_read_only(step::Mount& mount, std::vector<InitStep>& late) {
  const bool wanted = (mount.options.attributes.set & MOUNT_ATTR_RDONLY) != 0;
  if (!wanted || !is_filled_later(mount)) return;
  mount.options.attributes.set &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
  mount.late_read_only = true;
  late.push_back({mount.origin, step::SetReadOnly{mount.target}});
}

/// The directory of the readiness socket (sd_notify(3)): `start` listens in it.
step::Mount notify_mount(const HostFacts& host) {
  step::Mount mount;
  mount.kind = step::Mount::Kind::bind;
  mount.source = host.notify_directory;
  mount.target = notify_target;
  mount.options = spec::parse_mount_options({"bind", "ro", "nosuid", "nodev", "noexec"});
  return mount;
}

/// The last component when `path` is directly below `directory`; else empty.
std::string child_of(const std::string& directory, const std::string& path) {
  if (!path.starts_with(directory + "/")) return {};
  std::string name = path.substr(directory.size() + 1);
  return name.find('/') == std::string::npos ? name : std::string();
}

/// The index of the mount that provides /dev, or npos.
std::size_t dev_mount(const std::vector<step::Mount>& mounts) {
  for (std::size_t i = mounts.size(); i-- > 0;)
    if (mounts[i].target == "/dev" && mounts[i].kind != step::Mount::Kind::remount) return i;
  return std::string::npos;
}

/// A tmpfs on /dev is filled before it is attached: no path of the image is ever walked for it
/// (CVE-2026-41579).
void fill_dev(std::vector<step::Mount>& mounts, std::size_t dev, std::vector<step::DeviceNode>& devices,
              std::vector<step::SymbolicLink>& links) {
  step::Mount& mount = mounts[dev];
  std::vector<step::DeviceNode> rest;
  for (step::DeviceNode& node : devices) {
    if (!node.bind && !child_of("/dev", node.path).empty())
      mount.devices.push_back(std::move(node));
    else
      rest.push_back(std::move(node));
  }
  devices = std::move(rest);
  mount.links = std::move(links);
  links.clear();
  for (std::size_t i = dev + 1; i < mounts.size(); ++i) {
    const std::string name = child_of("/dev", mounts[i].target);
    // A bind mount's source may be a file: its target is made when it is mounted.
    if (!name.empty() && mounts[i].kind == step::Mount::Kind::filesystem) mount.directories.push_back(name);
  }
}

void push_mounts(const PlanInput& in, std::vector<step::Mount>& mounts, Plan& plan) {
  // The cgroup namespace is rooted where its maker is, so init waits for its cgroup first; as late as
  // possible, because the parent's write to cgroup.procs can take 10 ms on v1.
  const bool unshare = in.makes(CLONE_NEWCGROUP);
  bool joined = false;
  const auto join = [&] {
    if (!joined) plan.build.push_back({unshare ? "/linux/namespaces" : "", step::JoinCgroup{unshare}});
    joined = true;
  };
  for (step::Mount& mount : mounts) {
    if (mount.kind == step::Mount::Kind::cgroup) join();
    std::string origin = mount.origin;
    plan.build.push_back({std::move(origin), std::move(mount)});
  }
  if (unshare) join();
}

/// The root: root.path, or what the first mount puts there, which is then taken from `mounts`.
void push_root(const PlanInput& in, std::vector<step::Mount>& mounts, Plan& plan) {
  const bool shared = in.config.linux.rootfs_propagation == spec::RootfsPropagation::shared;
  if (!mounts.empty() && mounts.front().target == "/") {
    std::string origin = mounts.front().origin;
    plan.build.push_back(
        {std::move(origin), step::MountRoot{plan.rootfs, shared, std::move(mounts.front())}});
    mounts.erase(mounts.begin());
    return;
  }
  const bool own_mounts = plan.namespaces.own_mounts();
  const bool detached = !own_mounts && !in.config.mounts.empty();
  plan.build.push_back({"/root/path", step::AttachRootfs{plan.rootfs, shared, own_mounts, detached}});
}

void refuse_host_mounts(const PlanInput& in) {
  const std::string why = " needs a mount namespace of the container's own, or the host would see it";
  const auto refuse = [&](const char* what, const char* origin) {
    throw Error(what + why, ErrorKind::invalid_config)
        .at(origin)
        .hint("add {\"type\": \"mount\"} to linux.namespaces");
  };
  if (!in.config.linux.masked_paths.empty()) refuse("a masked path", "/linux/maskedPaths");
  if (!in.config.linux.readonly_paths.empty()) refuse("a read-only path", "/linux/readonlyPaths");
  if (in.config.root.readonly) refuse("a read-only root", "/root/readonly");
  if (in.config.linux.rootfs_propagation != spec::RootfsPropagation::unset)
    refuse("rootfs propagation", "/linux/rootfsPropagation");
}

}  // namespace

void plan_rootfs(const PlanInput& in, Plan& plan) {
  const spec::Linux& linux = in.config.linux;
  const bool own_mounts = plan.namespaces.own_mounts();
  if (!own_mounts) refuse_host_mounts(in);
  if (own_mounts)
    plan.build.push_back(
        {linux.rootfs_propagation == spec::RootfsPropagation::unset ? "" : "/linux/rootfsPropagation",
         step::RootPropagation{early_propagation(linux)}});
  const bool detached = !own_mounts && !in.config.mounts.empty();

  std::vector<step::Mount> mounts;
  std::vector<InitStep> late;
  for (std::size_t i = 0; i < in.config.mounts.size(); ++i) {
    mounts.push_back(plan_mount(in, i));
    settle_mount_ids(in, mounts.back());
    label_mount(in, mounts.back());
  }
  if (in.host.notify_socket && own_mounts && in.config.process) mounts.push_back(notify_mount(in.host));
  for (step::Mount& mount : mounts) delay_read_only(mount, late);
  push_root(in, mounts, plan);

  const std::size_t dev = dev_mount(mounts);
  // A /dev bound from the host has the host's nodes; making ours there would change the host.
  const bool foreign_dev =
      (!own_mounts && !detached) || (dev != std::string::npos && mounts[dev].kind == step::Mount::Kind::bind);
  std::vector<step::DeviceNode> devices = foreign_dev ? std::vector<step::DeviceNode>() : plan_devices(in);
  std::vector<step::SymbolicLink> links = foreign_dev ? std::vector<step::SymbolicLink>() : plan_links(in);
  if (dev != std::string::npos && mounts[dev].kind == step::Mount::Kind::filesystem &&
      mounts[dev].type == "tmpfs")
    fill_dev(mounts, dev, devices, links);
  push_mounts(in, mounts, plan);
  for (step::DeviceNode& node : devices) {
    std::string origin = node.origin;
    plan.build.push_back({std::move(origin), step::MakeDevice{std::move(node)}});
  }
  for (step::SymbolicLink& link : links) plan.build.push_back({"", step::MakeLink{std::move(link)}});
  // Read-only comes after the pivot; plan_enter() puts these first there.
  plan.enter = std::move(late);
}

void plan_enter(const PlanInput& in, Plan& plan) {
  const spec::Linux& linux = in.config.linux;
  std::vector<InitStep> late = std::move(plan.enter);
  plan.enter.clear();

  step::RootMethod method = step::RootMethod::pivot;
  if (!plan.namespaces.own_mounts())
    method = step::RootMethod::chroot;
  else if (in.request.no_pivot)
    method = step::RootMethod::move;
  plan.enter.push_back({"/root/path", step::EnterRoot{method}});

  if (plan.terminal)
    plan.enter.push_back(
        {"/process/terminal", step::Console{in.config.process->console_size, plan.namespaces.own_mounts(),
                                            in.config.process->user.uid}});
  // The working directory may have to be made in a root that is about to become read-only.
  if (in.config.process)
    plan.enter.push_back(
        {"/process/cwd", step::EnterDirectory{in.config.process->cwd, step::EnterDirectory::Phase::make}});
  for (InitStep& step : late) plan.enter.push_back(std::move(step));
  if (in.config.root.readonly) plan.enter.push_back({"/root/readonly", step::SetReadOnly{"/"}});
  plan_sysctl(in, plan);
  for (std::size_t i = 0; i < linux.readonly_paths.size(); ++i)
    plan.enter.push_back({pointer("/linux/readonlyPaths", i), step::ReadonlyPath{linux.readonly_paths[i]}});
  for (std::size_t i = 0; i < linux.masked_paths.size(); ++i)
    plan.enter.push_back({pointer("/linux/maskedPaths", i), step::MaskedPath{linux.masked_paths[i]}});

  // Slave and private came with the first step. Last, because nothing can be bound from an unbindable mount,
  // as the paths above are.
  using Propagation = spec::RootfsPropagation;
  if (linux.rootfs_propagation == Propagation::shared ||
      linux.rootfs_propagation == Propagation::unbindable) {
    std::uint64_t flags = propagation_flag(linux.rootfs_propagation);
    if (linux.rootfs_propagation_recursive) flags |= MS_REC;
    plan.enter.push_back({"/linux/rootfsPropagation", step::RootfsPropagation{flags}});
  }
}

}  // namespace ocx::runtime
