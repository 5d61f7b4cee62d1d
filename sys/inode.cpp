#include "sys/inode.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

namespace ocx::sys {

int try_mknodat(FdRef directory, const std::string& name, mode_t mode, dev_t device) {
  return ::mknodat(directory.raw(), name.c_str(), mode, device) == 0 ? 0 : errno;
}

void mknodat(FdRef directory, const std::string& name, mode_t mode, dev_t device) {
  if (int error = try_mknodat(directory, name, mode, device); error != 0)
    throw_errno("mknodat " + quote(name), error);
}

int try_symlinkat(const std::string& target, FdRef directory, const std::string& name) {
  return ::symlinkat(target.c_str(), directory.raw(), name.c_str()) == 0 ? 0 : errno;
}

void symlinkat(const std::string& target, FdRef directory, const std::string& name) {
  if (int error = try_symlinkat(target, directory, name); error != 0)
    throw_errno("symlinkat " + quote(target) + ", " + quote(name), error);
}

void chmod_descriptor(FdRef fd, mode_t mode) {
  if (::syscall(SYS_fchmodat2, fd.raw(), "", mode, AT_EMPTY_PATH) == 0) return;
  // Container engines' seccomp profiles answer EPERM to system calls they do not know.
  if (errno != ENOSYS && errno != EPERM) throw_errno("fchmodat2");
  if (::chmod(descriptor_path(fd).c_str(), mode) != 0) throw_errno("chmod " + descriptor_path(fd));
}

void chown_descriptor(FdRef fd, uid_t uid, gid_t gid) {
  if (::fchownat(fd.raw(), "", uid, gid, AT_EMPTY_PATH) != 0)
    throw_errno("fchownat " + std::to_string(uid) + ":" + std::to_string(gid));
}

int try_set_times(FdRef fd, const struct ::stat& like) {
  const struct ::timespec times[2] = {like.st_atim, like.st_mtim};
  return ::utimensat(fd.raw(), "", times, AT_EMPTY_PATH) == 0 ? 0 : errno;
}

std::vector<std::string> list_xattrs(FdRef fd) {
  ssize_t size = ::flistxattr(fd.raw(), nullptr, 0);
  if (size <= 0) return {};
  std::string names(static_cast<std::size_t>(size), '\0');
  size = ::flistxattr(fd.raw(), names.data(), names.size());
  std::vector<std::string> list;
  for (std::size_t begin = 0; size > 0 && begin < static_cast<std::size_t>(size);) {
    list.emplace_back(names.c_str() + begin);
    begin += list.back().size() + 1;
  }
  return list;
}

int try_set_xattr(FdRef fd, const std::string& name, std::string_view value) {
  return ::fsetxattr(fd.raw(), name.c_str(), value.data(), value.size(), 0) == 0 ? 0 : errno;
}

int try_copy_xattr(FdRef from, FdRef to, const std::string& name) {
  ssize_t size = ::fgetxattr(from.raw(), name.c_str(), nullptr, 0);
  if (size < 0) return errno;
  std::string value(static_cast<std::size_t>(size), '\0');
  size = ::fgetxattr(from.raw(), name.c_str(), value.data(), value.size());
  if (size < 0) return errno;
  return ::fsetxattr(to.raw(), name.c_str(), value.data(), static_cast<std::size_t>(size), 0) == 0 ? 0
                                                                                                   : errno;
}

void copy_content(FdRef from, FdRef to) {
  constexpr std::size_t chunk = 1U << 30U;
  for (;;) {
    ssize_t copied = ::sendfile(to.raw(), from.raw(), nullptr, chunk);
    if (copied == 0) return;
    if (copied < 0 && errno != EINTR) throw_errno("sendfile");
  }
}

}  // namespace ocx::sys
