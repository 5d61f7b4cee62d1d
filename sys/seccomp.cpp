#include "sys/seccomp.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

long seccomp(unsigned operation, std::uint32_t flags, void* argument) {
  return ::syscall(SYS_seccomp, operation, flags, argument);
}

}  // namespace

FdResult try_seccomp_load(std::string_view program, std::uint32_t flags) {
  const std::size_t length = program.size() / sizeof(sock_filter);
  sock_fprog filter{};
  filter.len =
      static_cast<unsigned short>(std::min<std::size_t>(length, std::numeric_limits<unsigned short>::max()));
  filter.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()));
  const long result = seccomp(SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (result < 0) return {UniqueFd(), errno};
  if ((flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) return {UniqueFd(static_cast<int>(result)), 0};
  // SECCOMP_FILTER_FLAG_TSYNC: the number of a thread that has another filter.
  return {UniqueFd(), result == 0 ? 0 : ESRCH};
}

// seccomp(2): flags are looked at before the program.
bool seccomp_knows_flag(std::uint32_t flag) {
  // WAIT_KILLABLE_RECV alone is EINVAL.
  if (flag == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  return seccomp(SECCOMP_SET_MODE_FILTER, flag, nullptr) == 0 || errno == EFAULT;
}

bool is_seccomp_listener(FdRef fd) {
  std::uint64_t id = 0;  // no notification has it: ENOENT; other files don't know the request
  return ::ioctl(fd.raw(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 || errno == ENOENT;
}

FdResult try_pidfd_getfd(FdRef pidfd, int number) {
  const long fd = ::syscall(SYS_pidfd_getfd, pidfd.raw(), number, 0);
  if (fd < 0) return {UniqueFd(), errno};
  return {UniqueFd(static_cast<int>(fd)), 0};
}

int next_descriptor() {
  const UniqueFd next(::dup(0));
  if (!next) throw_errno("dup 0");
  return next.ref().raw();
}

void system_call(long number, const std::array<std::uint64_t, 6>& arguments) {
  const auto& [a, b, c, d, e, f] = arguments;
  static_cast<void>(::syscall(number, a, b, c, d, e, f));
}

UniqueFd anonymous_file(const char* name) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  if (!file) throw_errno(std::string("memfd_create ") + name);
  return file;
}

std::string read_from_start(FdRef file, std::size_t size) {
  std::string content(size, '\0');
  const ssize_t got = ::pread(file.raw(), content.data(), content.size(), 0);
  if (got < 0) throw_errno("pread");
  content.resize(static_cast<std::size_t>(got));
  return content;
}

}  // namespace ocx::sys
