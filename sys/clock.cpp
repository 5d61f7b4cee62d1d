#include "sys/clock.hpp"

#include <time.h>

#include <algorithm>

namespace ocx::sys {
namespace {

constexpr std::int64_t million = 1'000'000;

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1000 * million + now.tv_nsec;
}

Deadline::Deadline(int milliseconds) : end_(monotonic_ns() + milliseconds * million) {}

int Deadline::remaining_ms() const {
  return static_cast<int>(std::max<std::int64_t>(0, (end_ - monotonic_ns() + million - 1) / million));
}

void Backoff::pause() {
  const timespec request{0, nanoseconds_};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &request, nullptr);
  nanoseconds_ = std::min(nanoseconds_ * 2, 20 * static_cast<long>(million));
}

}  // namespace ocx::sys
