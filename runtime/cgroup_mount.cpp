// type "cgroup": what a container sees of the host's cgroups. Never more than its own part, whatever the host
// has: v1, hybrid or v2.
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cgroups/manager.hpp"
#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/mount.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Hierarchy = cgroups::Hierarchies::Hierarchy;

bool has_cgroup_namespace(const Plan& plan) {
  const auto unshares = [](const InitStep& step) {
    const auto* join = std::get_if<step::JoinCgroup>(&step.action);
    return join != nullptr && join->unshare;
  };
  const auto joins = [](const JoinNamespace& join) { return join.flag == CLONE_NEWCGROUP; };
  return std::any_of(plan.build.begin(), plan.build.end(), unshares) ||
         std::any_of(plan.namespaces.joins.begin(), plan.namespaces.joins.end(), joins);
}

// The container's own directory as the host's mount shows it; nothing when the mount shows another part, or
// when the container is in the hierarchy's root: that one is the host's.
std::optional<std::string> own_directory(const Hierarchy& hierarchy) {
  if (hierarchy.own_path.empty() || hierarchy.own_path == "/" || hierarchy.own_path.starts_with("/.."))
    return {};
  const std::string root = hierarchy.mount_root == "/" ? "" : hierarchy.mount_root;
  if (!root.empty() && hierarchy.own_path == root) return hierarchy.mount_point;
  if (!hierarchy.own_path.starts_with(root + "/")) return {};
  return hierarchy.mount_point + hierarchy.own_path.substr(root.size());
}

step::Mount part_of(const step::Mount& mount, const std::string& type) {
  step::Mount part = mount;
  part.type = type;
  part.options.data.clear();
  part.options.propagation.clear();
  return part;
}

// What the options say about flags goes to each part; the host's flags stay where they say nothing.
void bind_part(InitContext& context, const step::Mount& mount, const std::string& directory,
               sys::FdRef target) {
  std::optional<sys::UniqueFd> tree = clone_source(context, mount, directory, false);
  sys::UniqueFd source;
  int error = 0;
  if (tree) {
    source = std::move(*tree);
    error = sys::try_mount_setattr(source, false, new_attributes(mount), 0);
    if (error != 0 && error != ENOSYS) throw mount_error(mount, "flags of " + sys::quote(directory), error);
    attach(mount, source, target);
    if (error == ENOSYS) error = set_attributes(context, source, {new_attributes(mount), 0});
  } else {
    source = sys::openat(sys::FdRef::cwd(), directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    error = try_bind_on(context, source, target, false);
  }
  if (error != 0) throw mount_error(mount, "bind " + sys::quote(directory), error);
}

// A fresh mount in the container's cgroup namespace begins at the container's own cgroup.
void mount_hierarchy(InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy,
                     sys::FdRef target) {
  step::Mount part = part_of(mount, hierarchy.v2 ? "cgroup2" : "cgroup");
  part.source = part.type;
  for (const std::string& controller : hierarchy.controllers) {
    if (controller.starts_with("name=")) part.options.data.push_back({"none", 0});
    part.options.data.push_back({controller, 0});
  }
  std::optional<sys::UniqueFd> made = make_filesystem(part, new_attributes(part));
  if (made) return attach(part, *made, target);
  std::string data;
  for (const auto& option : part.options.data) data += (data.empty() ? "" : ",") + option.text;
  int error =
      try_mount_on(context, part.source, target, part.type, sys::to_mount_flags(new_attributes(part)), data);
  if (error != 0) throw mount_error(part, data, error);
}

void mount_part(InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy,
                bool own_namespace, sys::FdRef tmpfs) {
  const std::optional<std::string> directory = own_directory(hierarchy);
  if (!own_namespace && !directory) return;
  const std::string name = hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/') + 1);
  int error = sys::try_mkdirat(tmpfs, name, 0755);
  if (error != 0 && error != EEXIST) throw mount_error(mount, "mkdirat " + sys::quote(name), error);
  sys::UniqueFd target = sys::openat(tmpfs, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (own_namespace)
    mount_hierarchy(context, mount, hierarchy, target);
  else
    bind_part(context, mount, *directory, target);
  // "cpu" for "cpu,cpuacct": programs look for each controller by its own name.
  for (const std::string& controller : hierarchy.controllers)
    if (controller != name && !controller.starts_with("name=")) sys::try_symlinkat(name, tmpfs, controller);
}

void mount_v1(InitContext& context, const step::Mount& mount, const cgroups::Hierarchies& hierarchies,
              bool own_namespace, sys::FdRef target) {
  step::Mount base = part_of(mount, "tmpfs");
  base.source = "tmpfs";
  base.options.attributes.set &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  base.options.data.push_back({"mode=755", 0});
  const bool read_only = (new_attributes(mount) & MOUNT_ATTR_RDONLY) != 0;
  // Attached first: kernels before 6.15 mount nothing on what is not attached.
  std::optional<sys::UniqueFd> tmpfs = make_filesystem(base, new_attributes(base));
  sys::UniqueFd top;
  if (tmpfs) {
    attach(mount, *tmpfs, target);
    top = std::move(*tmpfs);
  } else {
    int error = try_mount_on(context, "tmpfs", target, "tmpfs", sys::to_mount_flags(new_attributes(base)),
                             "mode=755");
    if (error != 0) throw mount_error(mount, "", error);
    top = reopen_target(context, mount, target);
  }
  for (const Hierarchy& hierarchy : hierarchies.all)
    mount_part(context, mount, hierarchy, own_namespace, top);
  if (read_only)
    if (int error = set_attributes(context, top, {MOUNT_ATTR_RDONLY, 0}); error != 0)
      throw mount_error(mount, "make read-only", error);
  apply_propagation(context, mount, top);
}

void mount_v2(InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy, bool own_namespace,
              sys::FdRef target) {
  if (own_namespace) try {
      return mount_hierarchy(context, mount, hierarchy, target);
    } catch (const Error& error) {
      // A user namespace that doesn't own the cgroup namespace; or a superblock the kernel won't share.
      if (error.error_number() != EPERM && error.error_number() != EBUSY) throw;
    }
  const std::optional<std::string> directory = own_directory(hierarchy);
  if (!directory)
    throw mount_error(mount, "the container has no cgroup of its own in " + sys::quote(hierarchy.mount_point),
                      EPERM);
  bind_part(context, mount, *directory, target);
}

}  // namespace

void mount_cgroup(InitContext& context, const step::Mount& mount) {
  if (!mount.options.data.empty())
    throw option_error(mount, mount.options.data.front(), "a cgroup mount takes no file system options",
                       EINVAL);
  sys::UniqueFd target = open_target(context, mount, false);
  check_place(mount, target, std::nullopt);
  const cgroups::Hierarchies hierarchies = cgroups::detect_hierarchies();
  const bool own_namespace = has_cgroup_namespace(context.plan);
  if (!hierarchies.pure_v2()) return mount_v1(context, mount, hierarchies, own_namespace, target);
  mount_v2(context, mount, hierarchies.all.front(), own_namespace, target);
  if (mount.options.propagation.empty()) return;
  sys::UniqueFd top = reopen_target(context, mount, target);
  apply_propagation(context, mount, top);
}

}  // namespace ocx::runtime
