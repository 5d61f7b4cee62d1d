// type "sysfs": a new one where the kernel makes one, else the host's, read-only.
#include <linux/mount.h>

#include <cerrno>

#include "runtime/mount_kinds.hpp"
#include "sys/log.hpp"

namespace ocx::runtime {
namespace {

/// With all that is mounted in it, or hidden parts would come to light; for the same reason nothing in it can
/// be written to: among it are the host's cgroups (CVE-2023-25809).
step::Mount host_tree(const step::Mount& mount) {
  step::Mount tree = mount;
  tree.kind = step::Mount::Kind::bind;
  tree.source = "/sys";
  tree.options.bind = tree.options.recursive_bind = true;
  tree.options.data.clear();
  tree.options.attributes = {};
  tree.options.recursive_attributes = {
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0};
  return tree;
}

}  // namespace

void mount_sysfs(InitContext& context, const step::Mount& mount) {
  try {
    mount_filesystem(context, mount);
  } catch (const Error& error) {
    // In a user namespace: the network namespace is not its own, or /sys is partly covered
    // (mount_too_revealing).
    if (error.error_number() != EPERM) throw;
    sys::log_debug(std::string(error.what()) + "; binding the host's read-only instead");
    mount_bind(context, host_tree(mount));
  }
}

}  // namespace ocx::runtime
