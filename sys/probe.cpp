#include "sys/probe.hpp"

#include <unistd.h>

#include <cerrno>

namespace ocx::sys {

bool has_system_call(long number) {
  return ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) >= 0 || errno != ENOSYS;
}

}  // namespace ocx::sys
