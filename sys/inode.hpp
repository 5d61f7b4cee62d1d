// Special files and the metadata of inodes, relative to held descriptors and never following a link in the
// last component.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

/// Sets the umask while it lives: modes given to mknodat and mkdirat are then exact, which saves a chmod for
/// each.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : saved_(::umask(mask)) {}
  ~ScopedUmask() { ::umask(saved_); }
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;

 private:
  mode_t saved_;
};

int try_mknodat(FdRef directory, const std::string& name, mode_t mode, dev_t device);  // 0 or errno
void mknodat(FdRef directory, const std::string& name, mode_t mode, dev_t device);
int try_symlinkat(const std::string& target, FdRef directory, const std::string& name);  // 0 or errno
void symlinkat(const std::string& target, FdRef directory, const std::string& name);

/// Permission bits of what an (O_PATH) descriptor refers to: fchmodat2(2), before Linux 6.6 chmod(2) of
/// /proc/self/fd/N.
void chmod_descriptor(FdRef fd, mode_t mode);
/// fchownat(2) with an empty path: works on O_PATH descriptors, on a symbolic link it changes the link.
void chown_descriptor(FdRef fd, uid_t uid, gid_t gid);
/// Access and modification time, of an O_PATH descriptor too (utimensat(2) with an empty path, Linux 5.8). 0
/// or errno.
int try_set_times(FdRef fd, const struct ::stat& like);

/// Names of the extended attributes of an open file; empty where the file system has none.
std::vector<std::string> list_xattrs(FdRef fd);
/// Sets an extended attribute of an open file (not O_PATH). 0 or errno.
int try_set_xattr(FdRef fd, const std::string& name, std::string_view value);
/// Copies one extended attribute. 0 or errno.
int try_copy_xattr(FdRef from, FdRef to, const std::string& name);
/// Copies content from the current offset to the end, in the kernel where it can.
void copy_content(FdRef from, FdRef to);

}  // namespace ocx::sys
