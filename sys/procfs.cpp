#include "sys/procfs.hpp"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <utility>

#include "sys/error.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr ino_t kProcRootInode = 1;  // PROC_ROOT_INO, linux/proc_fs.h

// Kernels before 5.6. The device of every procfs instance is its own, so a mount over a part of this one
// shows, except a bind of another part of the same instance.
FdResult open_by_walk(FdRef root, const std::string& path, int flags) {
  FdResult probe = walk_in_root(root, path, O_PATH);
  if (!probe) return probe;
  if (fstat(probe.fd).st_dev != fstat(root).st_dev) return {UniqueFd(), EXDEV};
  FdResult opened = walk_in_root(root, path, flags);
  if (opened && fstat(opened.fd).st_dev != fstat(root).st_dev) return {UniqueFd(), EXDEV};
  return opened;
}

Error failure(const char* call, const std::string& path, int error_number) {
  Error error = Error::from_errno(std::string(call) + " " + quote("/proc/" + path), error_number);
  if (error_number == EXDEV) error.hint("something is mounted over that part of /proc");
  if (error_number == ELOOP) error.hint("it is, or leads through, a magic link");
  return error;
}

}  // namespace

Procfs Procfs::open_host() {
  UniqueFd root = openat(FdRef::cwd(), "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (filesystem_type(root) != PROC_SUPER_MAGIC || fstat(root).st_ino != kProcRootInode)
    throw Error("\"/proc\" is not the root of a proc file system").hint("mount -t proc proc /proc");
  return Procfs(std::move(root));
}

FdResult Procfs::try_open(const std::string& path, int flags) const {
  struct ::open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  constexpr int tries = 128;  // EAGAIN: a rename anywhere raced with a ".."
  int error = EAGAIN;
  for (int i = 0; i < tries && (error == EAGAIN || error == EINTR); ++i) {
    long fd = ::syscall(SYS_openat2, root_.ref().raw(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
    error = errno;
  }
  // EPERM: an outer container's seccomp profile that does not know openat2.
  if (error == ENOSYS || error == EPERM) return open_by_walk(root_, path, flags | O_CLOEXEC);
  return {UniqueFd(), error};
}

UniqueFd Procfs::open(const std::string& path, int flags) const {
  FdResult result = try_open(path, flags);
  if (!result) throw failure("open", path, result.error_number);
  return std::move(result.fd);
}

std::string Procfs::read(const std::string& path) const {
  return read_all(open(path, O_RDONLY));
}

int Procfs::try_write(const std::string& path, std::string_view value) const {
  FdResult file = try_open(path, O_WRONLY);
  if (!file) return file.error_number;
  // One call: the kernel takes a value of procfs whole or not at all.
  ssize_t written = 0;
  do {
    written = ::write(file.fd.ref().raw(), value.data(), value.size());
  } while (written < 0 && errno == EINTR);
  return written < 0 ? errno : 0;
}

void Procfs::write(const std::string& path, std::string_view value) const {
  if (int error = try_write(path, value); error != 0) throw failure("write", path, error);
}

}  // namespace ocx::sys
