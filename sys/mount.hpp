// The fd-based mount interface of Linux 5.2 and later, and the classic calls. Constants the build headers
// lack are here.
#pragma once

#include <linux/mount.h>
#include <sys/mount.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// open_tree(2). Flags: OPEN_TREE_CLONE, AT_RECURSIVE, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
FdResult try_open_tree(FdRef directory, const std::string& path, unsigned flags);
UniqueFd open_tree(FdRef directory, const std::string& path, unsigned flags);
/// move_mount(2) from a mount descriptor onto a target descriptor (both by empty path).
int try_move_mount(FdRef mount, FdRef target);
void move_mount(FdRef mount, FdRef target);
/// mount_setattr(2) on a descriptor (AT_EMPTY_PATH, with AT_RECURSIVE when asked). 0 or errno.
int try_mount_setattr(FdRef mount, bool recursive, std::uint64_t set, std::uint64_t clear,
                      std::uint64_t propagation = 0, std::optional<FdRef> user_namespace = std::nullopt);

/// A file system being configured (fsopen(2)); messages of the kernel's fs context log are put into errors.
class FsContext {
 public:
  /// Error numbers: ENODEV unknown type, ENOSYS/EPERM no new mount interface.
  static FdResult try_open(const std::string& type);
  /// The superblock of an existing mount, to be reconfigured (fspick(2)).
  static FdResult try_pick(FdRef mount);
  explicit FsContext(UniqueFd fd) : fd_(std::move(fd)) {}
  /// 0 or errno.
  int set_string(const std::string& key, const std::string& value);
  int set_flag(const std::string& key);
  int create();
  int reconfigure();
  FdResult mount(unsigned attributes);  // fsmount(2), MOUNT_ATTR_*
  /// The kernel's own words about the last failure, or "".
  std::string messages();

 private:
  UniqueFd fd_;
};

/// Classic mount(2); null pointers for empty strings. 0 or errno.
int try_mount(const std::string& source, const std::string& target, const std::string& type,
              unsigned long flags, const std::string& data);
int try_umount2(const std::string& target, int flags);  // 0 or errno
void umount2(const std::string& target, int flags);
void pivot_root(const std::string& new_root, const std::string& put_old);
/// MOUNT_ATTR_* of the mount a descriptor is on (fstatfs(2) f_flags).
std::uint64_t mount_attributes(FdRef mount);
/// MOUNT_ATTR_* -> MS_* for the classic call.
unsigned long to_mount_flags(std::uint64_t attributes);
/// "MS_NOSUID|MS_NODEV": for messages and explain; never a hexadecimal number.
std::string mount_attribute_names(std::uint64_t attributes);

}  // namespace ocx::sys
