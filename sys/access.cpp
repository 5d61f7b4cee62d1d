#include "sys/access.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace ocx::sys {
namespace {

int access_error(const std::string& path) {
  constexpr long faccessat2_number = 439;  // the same on every architecture
  if (::syscall(faccessat2_number, AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0) return 0;
  // EPERM: a seccomp filter already in place that was written before faccessat2. This can go with Linux 5.7.
  if (errno != ENOSYS && errno != EPERM) return errno;
  // Not glibc's faccessat: that asks faccessat2 again, and takes EPERM for the answer.
  return ::syscall(SYS_faccessat, AT_FDCWD, path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

ExecuteAccess execute_access(const std::string& path) {
  const int denied = access_error(path);
  if (denied != 0 && denied != EACCES) return {denied, false};
  struct ::stat info {};
  if (::stat(path.c_str(), &info) != 0) return {errno, false};
  if (S_ISDIR(info.st_mode)) return {EISDIR, true};
  if (!S_ISREG(info.st_mode)) return {EACCES, true};
  return {denied, true};
}

}  // namespace ocx::sys
