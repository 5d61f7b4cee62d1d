#include "cgroups/v1.hpp"

#include <cerrno>

#include "cgroups/device_list.hpp"
#include "cgroups/device_policy.hpp"
#include "cgroups/members.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

std::string read_value(const std::string& file) {
  std::string value = sys::read_file_if_any(here, file).value_or("");
  while (!value.empty() && (value.back() == '\n' || value.back() == ' ')) value.pop_back();
  return value;
}

/// cpusets.7: a new v1 cpuset has no CPUs and no memory nodes, and nothing can be attached to one without
/// (ENOSPC). A parent that somebody made and left empty is filled in, too; the mount point always has values.
void copy_cpuset_down(const std::string& mount_point, const std::string& directory, const std::string& file) {
  const std::string parent = directory.substr(0, directory.rfind('/'));
  std::string value = read_value(parent + "/" + file);
  if (value.empty() && parent.size() > mount_point.size()) {
    copy_cpuset_down(mount_point, parent, file);
    value = read_value(parent + "/" + file);
  }
  sys::write_file(here, directory + "/" + file, value);
}

/// The open devices.allow and devices.deny of one cgroup.
class DeviceFiles {
 public:
  explicit DeviceFiles(const std::string& directory)
      : allow_(sys::openat(here, directory + "/devices.allow", O_WRONLY)),
        deny_(sys::openat(here, directory + "/devices.deny", O_WRONLY)) {}

  void write(const DeviceWrite& write) const {
    try {
      sys::write_all(write.allow ? allow_ : deny_, write.line);
    } catch (Error& error) {
      // The parent cgroup doesn't have it: devices-v1 "a cgroup can never have more than its parent". What
      // ocx itself adds for comfort is then simply not to be had.
      if (write.rule < 0 && error.error_number() == EPERM) return;
      throw std::move(
          error.in("devices." + std::string(write.allow ? "allow " : "deny ") + sys::quote(write.line)))
          .at("/linux/resources/devices/" + std::to_string(write.rule));
    }
  }

 private:
  sys::UniqueFd allow_, deny_;
};

}  // namespace

void V1Manager::configure(const Tree& tree, const std::vector<std::string>& made) {
  if (!tree.has("cpuset")) return;
  const bool existed = made.empty() || made.back() != tree.directory;
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    for (const std::string& directory : made) copy_cpuset_down(tree.mount_point, directory, file);
    if (existed && read_value(tree.directory + "/" + file).empty())
      copy_cpuset_down(tree.mount_point, tree.directory, file);
  }
}

void V1Manager::apply(const spec::Resources& resources) {
  if (trees().empty()) return refuse_denied(resources);
  check_resources(resources, versions());
  apply_limits(resources);
  // No entry at all: the inherited policy stays as it is (config-linux.md names no default policy).
  if (!resources.devices.empty()) apply_devices(resources.devices);
}

/// The kernel asks both, the list of the v1 cgroup and the programs of the v2 one: a hybrid host's v2 tree
/// takes what the list can't say.
void V1Manager::apply_devices(const std::vector<spec::DeviceRule>& rules) const {
  const Tree* list = find("devices");
  const Tree* unified = find("unified");
  if (unified != nullptr && (list == nullptr || !has_device_writes(rules)))
    return attach_device_policy(sys::openat(here, unified->directory, O_RDONLY | O_DIRECTORY), rules);
  if (list == nullptr) return;
  const DeviceFiles files(list->directory);
  try {
    for (const DeviceWrite& write : device_writes(rules)) files.write(write);
  } catch (const Error& error) {
    // devices.deny asks for CAP_SYS_ADMIN of the host's, whoever owns the file.
    if (error.error_number() != EPERM || !sys::in_user_namespace()) throw;
    do_without_devices(rules, error);
  }
}

bool V1Manager::wait_until_empty(const sys::Deadline& deadline) const {
  // A hybrid host's v2 tree announces that the processes are gone, and they go from all trees at once.
  for (const Tree& tree : trees())
    if (tree.v2 && !wait_until_unpopulated(tree.directory, deadline)) return false;
  return wait_for_members(directories(), deadline);
}

}  // namespace ocx::cgroups
