#include "sys/kernel_file.hpp"

#include <poll.h>

#include <array>
#include <cerrno>

#include "sys/error.hpp"

namespace ocx::sys {

std::string KernelFile::read() const {
  std::array<char, 4096> buffer{};
  const auto size = ::pread(file_.ref().raw(), buffer.data(), buffer.size(), 0);
  if (size < 0) throw_errno("pread");
  return {buffer.data(), static_cast<std::size_t>(size)};
}

bool KernelFile::wait_for_change(int timeout_ms) const {
  pollfd entry{file_.ref().raw(), POLLPRI, 0};
  const int ready = ::poll(&entry, 1, timeout_ms);
  // An interrupted wait counts as a change: the caller reads and decides.
  if (ready < 0 && errno != EINTR) throw_errno("poll");
  return ready != 0;
}

}  // namespace ocx::sys
