#include "sys/sealed_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <cerrno>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

constexpr int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

UniqueFd executable_memfd(const std::string& name) {
  constexpr unsigned exec_flag =
      0x10U;  // MFD_EXEC, Linux 6.3: without it vm.memfd_noexec=1 takes the x bits away
  UniqueFd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | exec_flag));
  if (!fd && errno == EINVAL) fd.reset(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  return fd;
}

// 0 or errno.
int copy_content(FdRef from, FdRef to) {
  struct ::stat info {};
  if (::fstat(from.raw(), &info) != 0) return errno;
  off_t offset = 0;
  while (offset < info.st_size) {
    const ssize_t sent =
        ::sendfile(to.raw(), from.raw(), &offset, static_cast<std::size_t>(info.st_size - offset));
    if (sent < 0 && errno != EINTR) return errno;
    if (sent == 0) return EIO;
  }
  return 0;
}

}  // namespace

bool on_read_only_mount(FdRef fd) {
  struct ::statfs info {};
  if (::fstatfs(fd.raw(), &info) != 0) throw_errno("fstatfs");
  return (info.f_flags & ST_RDONLY) != 0;
}

bool is_sealed(FdRef fd) {
  const int seals = ::fcntl(fd.raw(), F_GET_SEALS);
  return seals >= 0 && (seals & all_seals) == all_seals;
}

FdResult try_sealed_copy(FdRef file, const std::string& name) {
  UniqueFd copy = executable_memfd(name);
  if (!copy) return {UniqueFd(), errno};
  const int error_number = copy_content(file, copy);
  if (error_number != 0) return {UniqueFd(), error_number};
  if (::fcntl(copy.ref().raw(), F_ADD_SEALS, all_seals) != 0) return {UniqueFd(), errno};
  return {std::move(copy), 0};
}

}  // namespace ocx::sys
