#include "runtime/exec_cgroup.hpp"

#include <algorithm>
#include <cerrno>

#include "cgroups/detect.hpp"
#include "cgroups/leaf.hpp"
#include "cgroups/path.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

/// One --cgroup, in its parts; no controllers: all of them.
struct Wish {
  explicit Wish(const std::string& wish) : text(wish), path(wish) {
    // A cgroup's name may hold a colon; a controller's holds no slash.
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon > text.find('/')) return;
    controllers = sys::split(text.substr(0, colon), ',');
    path = text.substr(colon + 1);
  }
  Error error(const std::string& why) const {
    return Error("--cgroup " + sys::quote(text) + ": " + why, ErrorKind::usage);
  }
  std::string text, path;
  std::vector<std::string> controllers;
};

std::string names_of(const cgroups::Paths& paths) {
  std::vector<std::string> names;
  for (const auto& entry : paths)
    if (!entry.first.empty()) names.push_back(entry.first);
  return names.empty() ? "it takes a path alone: this host has the unified hierarchy"
                       : "known are " + sys::join(names, ", ");
}

std::string below(const Wish& wish, const std::string& top) {
  std::string directory = sys::clean_path(top + "/" + wish.path);
  if (!cgroups::is_below(directory, top)) throw wish.error("it is outside the container's cgroup");
  return directory;
}

std::vector<std::string> hierarchies_of(const Wish& wish, const cgroups::Paths& container) {
  std::vector<std::string> tops;
  if (wish.controllers.empty())
    for (const auto& entry : container) tops.push_back(entry.second);
  for (const std::string& controller : wish.controllers) {
    const auto known = container.find(controller);
    if (controller.empty() || known == container.end())
      throw wish.error("unknown controller " + sys::quote(controller)).hint(names_of(container));
    tops.push_back(known->second);
  }
  return tops;
}

/// EBUSY: the cgroup has children with controllers, so only they may have processes ("no internal processes",
/// cgroups(7)): a systemd or a Docker inside has moved init into one. ENOENT: somebody moved init and removed
/// the directory.
bool init_may_be_elsewhere(int error_number) {
  return error_number == EBUSY || error_number == ENOENT || error_number == ENODEV;
}

bool has_leaf(const std::map<std::string, std::string>& annotations) {
  if (annotations.empty()) return false;
  const cgroups::Leaves leaves = cgroups::leaves_of(annotations, true);
  return !leaves.subgroup.empty() || !leaves.delegated.empty();
}

}  // namespace

cgroups::Paths exec_cgroup_paths(const cgroups::Paths& container, const std::vector<std::string>& wishes) {
  std::map<std::string, std::string> moved;  // by the container's directory: controllers share hierarchies
  for (const std::string& text : wishes) {
    const Wish wish(text);
    for (const std::string& top : hierarchies_of(wish, container)) {
      const auto [place, fresh] = moved.emplace(top, below(wish, top));
      if (!fresh && place->second != below(wish, top))
        throw wish.error("another path was given for the same hierarchy");
    }
  }
  cgroups::Paths paths = container;
  for (auto& entry : paths)
    if (const auto place = moved.find(entry.second); place != moved.end()) entry.second = place->second;
  return paths;
}

ExecCgroup::ExecCgroup(const sys::Procfs& proc, int init, const cgroups::Paths& container,
                       const std::vector<std::string>& wishes,
                       const std::map<std::string, std::string>& annotations)
    : proc_(proc), init_(init), chosen_(!wishes.empty()) {
  if (chosen_ && container.empty())
    throw Error("--cgroup: the container has no cgroup of its own", ErrorKind::usage);
  for (auto& [controller, path] : exec_cgroup_paths(container, wishes)) {
    const auto same = [&path = path](const Directory& known) { return known.path == path; };
    if (std::none_of(directories_.begin(), directories_.end(), same))
      directories_.push_back({controller, path});
  }
  // Not left to EBUSY: a container's cgroup without controllers to hand down would take the process.
  if (has_leaf(annotations) && unified_alone() && follow_init(EBUSY)) return;
  open_target();
}

void ExecCgroup::open_target() {
  if (!unified_alone()) return;
  const std::string& path = directories_.front().path;
  sys::FdResult directory = sys::try_openat(here, path, O_PATH | O_DIRECTORY);
  if (!directory && !follow_init(directory.error_number))
    throw_errno("open cgroup " + sys::quote(path), directory.error_number);
  if (directory) target_ = std::move(directory.fd);
}

std::optional<sys::FdRef> ExecCgroup::clone_target() const {
  if (!target_) return std::nullopt;
  return target_.ref();
}

std::optional<std::string> ExecCgroup::directory_of_init(const std::string& controller) const {
  const std::string own = proc_.read("self/mountinfo"), inits = proc_.read(std::to_string(init_) + "/cgroup");
  for (const auto& hierarchy : cgroups::parse_hierarchies(own, inits).all) {
    const auto& names = hierarchy.controllers;
    const bool unified = controller.empty() || controller == "unified";
    if (unified ? !hierarchy.v2 : std::find(names.begin(), names.end(), controller) == names.end()) continue;
    if (!cgroups::is_below(hierarchy.own_path, hierarchy.mount_root)) return std::nullopt;
    const std::size_t skip = hierarchy.mount_root == "/" ? 0 : hierarchy.mount_root.size();
    return sys::clean_path(hierarchy.mount_point + "/" + hierarchy.own_path.substr(skip));
  }
  return std::nullopt;
}

bool ExecCgroup::follow_init(int error_number) {
  if (chosen_ || !init_may_be_elsewhere(error_number)) return false;
  Directory& directory = directories_.front();
  const auto path = directory_of_init(directory.controller);
  if (!path || *path == directory.path) return false;
  directory.path = *path;
  target_ = sys::openat(here, *path, O_PATH | O_DIRECTORY);
  return true;
}

void ExecCgroup::attach(int pid) {
  const std::string text = std::to_string(pid);
  for (Directory& directory : directories_) attach_to(directory, text);
}

void ExecCgroup::attach_to(Directory& directory, const std::string& pid) {
  int error_number = sys::try_write_file(here, directory.path + "/cgroup.procs", pid);
  if (error_number != 0 && !chosen_ && init_may_be_elsewhere(error_number)) {
    const auto path = directory_of_init(directory.controller);
    if (path && *path != directory.path)
      error_number = sys::try_write_file(here, *path + "/cgroup.procs", pid);
  }
  if (error_number == 0) return;
  Error error = Error::from_errno("join cgroup " + sys::quote(directory.path), error_number);
  if (chosen_ && error_number == ENOENT) error.hint("--cgroup needs a cgroup that exists");
  throw error;
}

}  // namespace ocx::runtime
