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
  // The path may be missing: a rootless caller does without.
  if (!trees().empty()) directory_ = sys::openat(here, trees().front().directory, O_RDONLY | O_DIRECTORY);
}

std::optional<sys::FdRef> V2Manager::clone_target() const {
  if (!directory_) return std::nullopt;
  return directory_.ref();
}

void V2Manager::configure(const Tree& tree, const std::vector<std::string>&) {
  enable_controllers(tree.mount_point, tree.directory);
  refuse_threaded(tree.directory);
}

void V2Manager::apply(const spec::Resources& resources) {
  check_resources(resources, versions());
  apply_limits(resources);
  if (trees().empty() || resources.devices.empty()) return;
  if (!directory_) directory_ = sys::openat(here, trees().front().directory, O_RDONLY | O_DIRECTORY);
  attach_device_policy(directory_, resources.devices);
}

bool V2Manager::wait_until_empty(const sys::Deadline& deadline) const {
  for (const std::string& directory : directories())
    if (!wait_until_unpopulated(directory, deadline)) return false;
  return true;
}

void V2Manager::delegate(uid_t owner) {
  for (const std::string& directory : directories()) give_away(directory, owner);
}

}  // namespace ocx::cgroups
