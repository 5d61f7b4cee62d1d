#include "cgroups/v2.hpp"

#include "cgroups/delegation.hpp"
#include "cgroups/device_policy.hpp"
#include "cgroups/members.hpp"
#include "cgroups/subtree_control.hpp"
#include "sys/file.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

}  // namespace

void V2Manager::create() {
  TreeManager::create();
  if (trees().empty()) return;  // a rootless caller does without
  const std::string& directory = trees().front().directory;
  make_subgroup(directory, leaves_);
  if (!leaves_.subgroup.empty()) hand_down_controllers(directory);
  place_ = sys::openat(here, place_of_init(directory, leaves_), O_RDONLY | O_DIRECTORY);
}

std::optional<sys::FdRef> V2Manager::clone_target() const {
  if (!place_) return std::nullopt;
  return place_.ref();
}

void V2Manager::attach(int pid) {
  if (!trees().empty())
    sys::write_file(here, place_of_init(trees().front().directory, leaves_) + "/cgroup.procs",
                    std::to_string(pid));
}

void V2Manager::configure(const Tree& tree, const std::vector<std::string>&) {
  enable_controllers(tree.mount_point, tree.directory);
  refuse_threaded(tree.directory);
}

/// The one that init is cloned into, unless that is a cgroup below it.
sys::FdRef V2Manager::policy_directory() {
  if (place_ && leaves_.subgroup.empty()) return place_.ref();
  if (!directory_) directory_ = sys::openat(here, trees().front().directory, O_RDONLY | O_DIRECTORY);
  return directory_.ref();
}

void V2Manager::apply(const spec::Resources& resources) {
  if (trees().empty()) return refuse_denied(resources);
  check_resources(resources, versions());
  apply_limits(resources);
  if (!resources.devices.empty()) attach_device_policy(policy_directory(), resources.devices);
}

bool V2Manager::wait_until_empty(const sys::Deadline& deadline) const {
  for (const std::string& directory : directories())
    if (!wait_until_unpopulated(directory, deadline)) return false;
  return true;
}

void V2Manager::delegate(uid_t owner) {
  if (trees().empty()) return;
  const std::string& directory = trees().front().directory;
  if (leaves_.delegated.empty()) return give_away(place_of_init(directory, leaves_), owner);
  delegate_leaf(directory, leaves_, owner);
}

}  // namespace ocx::cgroups
