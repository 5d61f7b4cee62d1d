// Events of the kernel as descriptors to poll for: counters and clock ticks.
#pragma once

#include <cstdint>

#include "sys/fd.hpp"

namespace ocx::sys {

/// eventfd(2): readable once somebody has added to it.
class EventFd {
 public:
  EventFd();
  FdRef fd() const { return fd_; }
  /// What has been added since the last call; 0 when nothing was.
  std::uint64_t take() const;

 private:
  UniqueFd fd_;
};

/// timerfd_create(2) on the monotonic clock: readable at each tick, the first after one interval.
class Timer {
 public:
  /// More than 0.
  explicit Timer(std::int64_t interval_ns);
  FdRef fd() const { return fd_; }
  /// Ticks since the last call.
  std::uint64_t take() const;

 private:
  UniqueFd fd_;
};

}  // namespace ocx::sys
