#include "runtime/external_mounts.hpp"

#include <fcntl.h>

#include <algorithm>
#include <optional>
#include <set>

#include "cgroups/detect.hpp"
#include "cgroups/path.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

const step::Mount* as_bind(const InitStep& step) {
  const auto* mount = std::get_if<step::Mount>(&step.action);
  return mount != nullptr && mount->kind == step::Mount::Kind::bind ? mount : nullptr;
}

std::string entry(const std::string& what, const std::string& by) {
  return "mnt[" + what + "]:" + by;
}

/// The path of an existing file of the container as its mount table has it: links resolved.
std::optional<std::string> resolved(sys::FdRef root, const std::string& path) {
  const sys::FdResult file = sys::try_open_in_root(root, path, O_PATH | O_CLOEXEC);
  if (!file) return std::nullopt;
  return sys::readlinkat(sys::FdRef::cwd(), sys::descriptor_path(file.fd));
}

bool is_directory(sys::FdRef root, const std::string& path) {
  const sys::FdResult file = sys::try_open_in_root(root, path, O_PATH | O_CLOEXEC);
  return file && S_ISDIR(sys::fstat(file.fd).st_mode);
}

const MountEntry* find(const std::vector<MountEntry>& entries, const std::string& path) {
  const auto found = std::find_if(entries.rbegin(), entries.rend(),
                                  [&](const MountEntry& mount) { return mount.path == path; });
  return found == entries.rend() ? nullptr : &*found;
}

/// "/a/b" below "/a" -> "/b"; nothing else is below it.
std::optional<std::string> suffix(const std::string& path, const std::string& directory) {
  if (path.size() <= directory.size() || !cgroups::is_below(path, directory)) return std::nullopt;
  return directory == "/" ? path : path.substr(directory.size());
}

std::vector<MountEntry> mounts_of(const sys::Procfs& proc, const std::string& process) {
  return parse_mount_entries(proc.read(process + "/mountinfo"));
}

/// Mounts of type cgroup that are binds of the container's directories, since it has no cgroup namespace.
std::vector<const step::Mount*> bound_cgroups(const Plan& plan) {
  std::vector<const step::Mount*> mounts;
  for (const InitStep& step : plan.build) {
    const auto* join = std::get_if<step::JoinCgroup>(&step.action);
    if (join != nullptr && join->unshare) return {};
    const auto* mount = std::get_if<step::Mount>(&step.action);
    if (mount != nullptr && mount->kind == step::Mount::Kind::cgroup) mounts.push_back(mount);
  }
  return mounts;
}

/// Where a mount of type cgroup shows which directory (cgroup_mount.cpp).
std::vector<std::pair<std::string, std::string>> cgroup_views(const step::Mount& mount,
                                                              const cgroups::Paths& paths) {
  std::vector<std::pair<std::string, std::string>> views;
  const cgroups::Hierarchies hierarchies = cgroups::detect_hierarchies();
  for (const auto& hierarchy : hierarchies.all) {
    const auto directory = paths.find(cgroups::path_key(hierarchies, hierarchy));
    if (directory == paths.end()) continue;
    if (hierarchies.pure_v2() || (mount.type == "cgroup2" && hierarchy.v2))
      views.emplace_back(mount.target, directory->second);
    else
      views.emplace_back(mount.target + hierarchy.mount_point.substr(hierarchy.mount_point.rfind('/')),
                         directory->second);
  }
  return views;
}

/// What a dump knows of the container's mounts.
class DumpedMounts {
 public:
  DumpedMounts(const sys::Procfs& proc, int pid, const Plan& plan)
      : plan_(plan),
        root_(sys::openat(proc.fd(), std::to_string(pid) + "/root", O_PATH | O_DIRECTORY | O_CLOEXEC)),
        inside_(mounts_of(proc, std::to_string(pid))),
        host_(mounts_of(proc, "self")) {}

  std::vector<std::string> externals() {
    const std::vector<ExternalMount> mounts = external_mounts(plan_);
    for (const ExternalMount& mount : mounts) {
      if (mount.mask && is_directory(root_, mount.name)) continue;
      const std::optional<std::string> path = resolved(root_, mount.name);
      if (!path || find(inside_, *path) == nullptr || !taken_.insert(*path).second) continue;
      names_.push_back(entry(*path, mount.name));
      tops_.emplace_back(*path, &mount);
    }
    for (const auto& [path, mount] : tops_) add_below(path, *mount);
    for (const step::Mount* mount : bound_cgroups(plan_)) add_cgroups(*mount);
    return std::move(names_);
  }

 private:
  /// A mount below one of the host's is the host's, too, if the host has it there; else the container has
  /// made it.
  void add_below(const std::string& top, const ExternalMount& mount) {
    for (const MountEntry& inside : inside_) {
      const std::optional<std::string> below = suffix(inside.path, top);
      if (!below) continue;
      const MountEntry* host = find(host_, mount.source + *below);
      if (host == nullptr || host->device != inside.device || !taken_.insert(inside.path).second) continue;
      names_.push_back(entry(inside.path, mount.name + *below));
    }
  }

  void add_cgroups(const step::Mount& mount) {
    const std::string top = resolved(root_, mount.target).value_or(mount.target);
    for (const MountEntry& inside : inside_)
      if (cgroups::is_below(inside.path, top) && inside.type.starts_with("cgroup") &&
          taken_.insert(inside.path).second)
        names_.push_back(entry(inside.path, mount.target + inside.path.substr(top.size())));
  }

  const Plan& plan_;
  sys::UniqueFd root_;
  std::vector<MountEntry> inside_, host_;
  std::set<std::string> taken_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, const ExternalMount*>> tops_;
};

/// The mount of the plan that holds this one's mount point: the last before it on a directory above.
const step::Mount* holder(const std::vector<const step::Mount*>& earlier, const std::string& target) {
  for (auto mount = earlier.rbegin(); mount != earlier.rend(); ++mount)
    if (suffix(target, (*mount)->target)) return *mount;
  return nullptr;
}

}  // namespace

std::vector<ExternalMount> external_mounts(const Plan& plan) {
  std::vector<ExternalMount> mounts;
  for (const InitStep& step : plan.build) {
    if (const step::Mount* bind = as_bind(step)) mounts.push_back({bind->target, bind->source, false});
    const auto* device = std::get_if<step::MakeDevice>(&step.action);
    if (device != nullptr && device->node.bind)
      mounts.push_back({device->node.path, device->node.path, false});
  }
  for (const InitStep& step : plan.enter)
    if (const auto* masked = std::get_if<step::MaskedPath>(&step.action))
      mounts.push_back({sys::clean_path(masked->path), "/dev/null", true});
  return mounts;
}

std::vector<MountPoint> mount_points(const Plan& plan) {
  std::vector<MountPoint> points;
  std::vector<const step::Mount*> earlier;
  for (const InitStep& step : plan.build) {
    const auto* mount = std::get_if<step::Mount>(&step.action);
    if (mount == nullptr || mount->kind == step::Mount::Kind::remount) continue;
    const bool bind = mount->kind == step::Mount::Kind::bind;
    const step::Mount* above = holder(earlier, mount->target);
    earlier.push_back(mount);
    const std::string source = bind ? mount->source : "";
    if (above == nullptr)
      points.push_back({plan.rootfs, mount->target, source});
    else if (above->kind == step::Mount::Kind::bind)
      points.push_back({above->source, *suffix(mount->target, above->target), source});
  }
  return points;
}

std::vector<MountEntry> parse_mount_entries(std::string_view mountinfo) {
  std::vector<MountEntry> entries;
  for (const std::string& line : sys::split(mountinfo, '\n')) {
    const std::vector<std::string> fields = sys::split(line, ' ');
    if (fields.size() < 6) continue;
    const auto id = sys::parse_uint(fields[0]);
    if (!id || *id > INT32_MAX) continue;
    const auto separator = std::find(fields.begin() + 6, fields.end(), "-");
    const std::string type = fields.end() - separator > 1 ? *(separator + 1) : "";
    entries.push_back({static_cast<int>(*id), fields[2], cgroups::unescape_mount_path(fields[4]), type});
  }
  return entries;
}

std::vector<std::string> dump_externals(const sys::Procfs& proc, int pid, const Plan& plan) {
  return DumpedMounts(proc, pid, plan).externals();
}

std::vector<std::string> restore_externals(const sys::Procfs& proc, const Plan& plan,
                                           const cgroups::Paths& cgroups) {
  std::vector<std::string> names;
  const std::vector<MountEntry> host = mounts_of(proc, "self");
  std::set<std::string> taken;
  const auto add = [&](const std::string& name, const std::string& source) {
    if (taken.insert(name).second) names.push_back(entry(name, source));
  };
  const std::vector<ExternalMount> mounts = external_mounts(plan);
  for (const ExternalMount& mount : mounts) add(mount.name, mount.source);
  for (const ExternalMount& mount : mounts)
    for (const MountEntry& there : host)
      if (const auto below = suffix(there.path, mount.source)) add(mount.name + *below, there.path);
  for (const step::Mount* mount : bound_cgroups(plan))
    for (const auto& [name, directory] : cgroup_views(*mount, cgroups)) add(name, directory);
  return names;
}

void make_mount_points(const Plan& plan) {
  for (const MountPoint& point : mount_points(plan)) {
    const std::optional<struct ::stat> source =
        point.source.empty() ? std::nullopt : sys::fstatat(sys::FdRef::cwd(), point.source);
    const sys::FdResult base =
        sys::try_openat(sys::FdRef::cwd(), point.base, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!base) continue;  // criu will say what is missing, if the image wants it
    sys::open_mount_target(base.fd, point.path, source && !S_ISDIR(source->st_mode));
  }
}

}  // namespace ocx::runtime
