#include "sys/remove_tree.hpp"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

/// Without openat2(2) (before Linux 5.6, or refused by an old seccomp profile) only another file system is
/// seen as a mount.
FdResult open_same_device(FdRef parent, const std::string& name) {
  FdResult directory = try_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory && fstat(directory.fd).st_dev != fstat(parent).st_dev) return {UniqueFd(), EXDEV};
  return directory;
}

FdResult open_directory(FdRef parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const long fd = ::syscall(SYS_openat2, parent.raw(), name.c_str(), &how, sizeof(how));
  if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
  if (errno == ENOSYS || errno == EPERM) return open_same_device(parent, name);
  return {UniqueFd(), errno};
}

void remove_entry(FdRef parent, const std::string& name, int depth) {
  int error_number = try_unlinkat(parent, name);
  if (error_number == 0 || error_number == ENOENT) return;
  // unlink(2): EISDIR, or EPERM as POSIX has it.
  if (error_number != EISDIR && error_number != EPERM) throw_errno("unlink " + quote(name), error_number);
  if (depth == 0) throw_errno("remove " + quote(name), ELOOP);
  const FdResult directory = open_directory(parent, name);
  if (!directory) throw_errno("open directory " + quote(name), directory.error_number);
  for (const std::string& child : list_directory(directory.fd)) remove_entry(directory.fd, child, depth - 1);
  error_number = try_unlinkat(parent, name, AT_REMOVEDIR);
  if (error_number != 0 && error_number != ENOENT) throw_errno("rmdir " + quote(name), error_number);
}

}  // namespace

// A bound for the stack and the descriptors; what ocx makes is two deep.
void remove_tree(FdRef parent, const std::string& name) {
  remove_entry(parent, name, 64);
}

}  // namespace ocx::sys
