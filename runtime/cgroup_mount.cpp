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
#include "sys/log.hpp"
#include "sys/mount.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Hierarchy = cgroups::Hierarchies::Hierarchy;

// The one that /proc/1 of the host has: its number is fixed (linux/proc_ns.h, PROC_CGROUP_INIT_INO).
constexpr const char* initial_namespace = "cgroup:[4026531835]";

std::string own_proc(const InitContext& context) {
  return context.proc_self.empty() ? "self" : context.proc_self;
}

bool is_in_initial_namespace(const InitContext& context) {
  const sys::UniqueFd links = context.proc.open(own_proc(context) + "/ns", O_PATH | O_DIRECTORY);
  return sys::readlinkat(links, "cgroup") == initial_namespace;
}

// A mount made in the host's own namespace, which "path" can name, would show all of the host's cgroups, and
// on v2 change the options of the host's mount (cgroup-v2.rst, "Mounting": those of the initial namespace
// count).
bool has_cgroup_namespace(const InitContext& context) {
  const auto unshares = [](const InitStep& step) {
    const auto* join = std::get_if<step::JoinCgroup>(&step.action);
    return join != nullptr && join->unshare;
  };
  const auto joins = [](const JoinNamespace& join) { return join.flag == CLONE_NEWCGROUP; };
  const Plan& plan = context.plan;
  if (std::any_of(plan.build.begin(), plan.build.end(), unshares)) return true;
  return std::any_of(plan.namespaces.joins.begin(), plan.namespaces.joins.end(), joins) &&
         !is_in_initial_namespace(context);
}

// The line of that hierarchy in a /proc/PID/cgroup (cgroups(7)): `4:memory:/a`, `0::/a`.
std::string membership(const std::string& text, const Hierarchy& hierarchy) {
  for (const std::string& line : sys::split(text, '\n')) {
    const std::vector<std::string> fields = sys::split(line, ':');
    if (fields.size() < 3) continue;
    const std::vector<std::string> names = sys::split(fields[1], ',');
    const bool same = hierarchy.v2 ? fields[1].empty()
                                   : !hierarchy.controllers.empty() &&
                                         std::find(names.begin(), names.end(),
                                                   hierarchy.controllers.front()) != names.end();
    if (same) return line;
  }
  return {};
}

// The runtime is init's parent: in the host's procfs it has a pid that init's own namespace doesn't show.
std::string cgroups_of_runtime(const InitContext& context) {
  for (const std::string& line : sys::split(context.proc.read(own_proc(context) + "/status"), '\n'))
    if (line.starts_with("PPid:\t")) return context.proc.read(line.substr(6) + "/cgroup");
  return {};
}

// Without a cgroup of its own (--cgroup-manager disabled, or a rootless caller who may make none) the
// container lives in the runtime's, which is not for it to write to (CVE-2023-25809).
bool is_in_runtimes_cgroup(const InitContext& context, const Hierarchy& hierarchy) {
  const std::string own = membership(context.proc.read(own_proc(context) + "/cgroup"), hierarchy);
  return !own.empty() && own == membership(cgroups_of_runtime(context), hierarchy);
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

std::string joined(const std::vector<spec::MountOptions::Data>& options) {
  std::string data;
  for (const auto& option : options) data += (data.empty() ? "" : ",") + option.text;
  return data;
}

bool is_read_only(const step::Mount& mount) {
  return (new_attributes(mount) & MOUNT_ATTR_RDONLY) != 0;
}

step::Mount part_for(const InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy) {
  step::Mount part = part_of(mount, hierarchy.v2 ? "cgroup2" : "cgroup");
  if (!is_read_only(mount) && is_in_runtimes_cgroup(context, hierarchy))
    part.options.attributes.set |= MOUNT_ATTR_RDONLY;
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
void mount_hierarchy(InitContext& context, step::Mount part, const Hierarchy& hierarchy, sys::FdRef target) {
  part.source = part.type;
  for (const std::string& controller : hierarchy.controllers) {
    if (controller.starts_with("name=")) part.options.data.push_back({"none", 0});
    part.options.data.push_back({controller, 0});
  }
  std::optional<sys::UniqueFd> made = make_filesystem(part, new_attributes(part));
  if (made) return attach(part, *made, target);
  const std::string data = joined(part.options.data);
  int error =
      try_mount_on(context, part.source, target, part.type, sys::to_mount_flags(new_attributes(part)), data);
  if (error != 0) throw mount_error(part, data, error);
}

// False: the container has no cgroup of its own there that could be shown.
bool show(InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy, bool own_namespace,
          sys::FdRef target) {
  const step::Mount part = part_for(context, mount, hierarchy);
  if (own_namespace) try {
      mount_hierarchy(context, part, hierarchy, target);
      return true;
    } catch (const Error& error) {
      // A user namespace that doesn't own the cgroup namespace; or a superblock the kernel won't share.
      if (error.error_number() != EPERM && error.error_number() != EBUSY) throw;
      sys::log_debug(std::string(error.what()) + ", binding it instead");
    }
  const std::optional<std::string> directory = own_directory(hierarchy);
  if (directory) bind_part(context, part, *directory, target);
  return directory.has_value();
}

void mount_part(InitContext& context, const step::Mount& mount, const Hierarchy& hierarchy,
                bool own_namespace, sys::FdRef tmpfs) {
  if (!own_namespace && !own_directory(hierarchy)) return;
  const std::string name = hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/') + 1);
  int error = sys::try_mkdirat(tmpfs, name, 0755);
  if (error != 0 && error != EEXIST) throw mount_error(mount, "mkdirat " + sys::quote(name), error);
  sys::UniqueFd target = sys::openat(tmpfs, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  show(context, mount, hierarchy, own_namespace, target);
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
  if (!mount.label.empty())
    base.options.data.push_back(
        {"context=\"" + mount.label + "\"", spec::MountOptions::Data::of_mount_label});
  const bool read_only = is_read_only(mount);
  // Attached first: kernels before 6.15 mount nothing on what is not attached.
  std::optional<sys::UniqueFd> tmpfs = make_filesystem(base, new_attributes(base));
  sys::UniqueFd top;
  if (tmpfs) {
    attach(mount, *tmpfs, target);
    top = std::move(*tmpfs);
  } else {
    int error = try_mount_on(context, "tmpfs", target, "tmpfs", sys::to_mount_flags(new_attributes(base)),
                             joined(base.options.data));
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

void mount_v2(InitContext& context, const step::Mount& mount, const cgroups::Hierarchies& hierarchies,
              bool own_namespace, sys::FdRef target) {
  const auto v2 = std::find_if(hierarchies.all.begin(), hierarchies.all.end(),
                               [](const Hierarchy& hierarchy) { return hierarchy.v2; });
  if (v2 == hierarchies.all.end()) throw mount_error(mount, "the host has no cgroup v2 mounted", ENODEV);
  if (!show(context, mount, *v2, own_namespace, target))
    throw mount_error(mount, "the container has no cgroup of its own in " + sys::quote(v2->mount_point),
                      EPERM)
        .hint("give it a cgroup, or leave the mount out");
  if (mount.options.propagation.empty()) return;
  sys::UniqueFd top = reopen_target(context, mount, target);
  apply_propagation(context, mount, top);
}

}  // namespace

void mount_cgroup(InitContext& context, const step::Mount& mount) {
  if (!mount.options.data.empty())
    throw option_error(mount, mount.options.data.front(), "a cgroup mount takes no file system options",
                       EINVAL);
  sys::UniqueFd target = open_target(context, mount, false);
  check_place(mount, target, std::nullopt);
  const cgroups::Hierarchies hierarchies = cgroups::detect_hierarchies();
  const bool own_namespace = has_cgroup_namespace(context);
  if (mount.type == "cgroup2" || hierarchies.pure_v2())
    mount_v2(context, mount, hierarchies, own_namespace, target);
  else
    mount_v1(context, mount, hierarchies, own_namespace, target);
}

}  // namespace ocx::runtime
