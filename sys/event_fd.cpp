#include "sys/event_fd.hpp"

#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <cerrno>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

std::uint64_t read_counter(FdRef fd) {
  std::uint64_t count = 0;
  ssize_t size = -1;
  while ((size = ::read(fd.raw(), &count, sizeof(count))) < 0 && errno == EINTR) {
  }
  return size == sizeof(count) ? count : 0;
}

}  // namespace

EventFd::EventFd() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw_errno("eventfd");
}

std::uint64_t EventFd::take() const {
  return read_counter(fd_);
}

Timer::Timer(std::int64_t interval_ns) : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!fd_) throw_errno("timerfd_create");
  constexpr std::int64_t second = 1'000'000'000;
  const timespec interval{interval_ns / second, interval_ns % second};
  const itimerspec setting{interval, interval};
  if (::timerfd_settime(fd_.ref().raw(), 0, &setting, nullptr) != 0) throw_errno("timerfd_settime");
}

std::uint64_t Timer::take() const {
  return read_counter(fd_);
}

}  // namespace ocx::sys
