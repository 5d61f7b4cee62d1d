// Time limits and short pauses on the monotonic clock.
#pragma once

#include <cstdint>

namespace ocx::sys {

/// Nanoseconds on the monotonic clock.
std::int64_t monotonic_ns();

/// A moment `milliseconds` from construction.
class Deadline {
 public:
  explicit Deadline(int milliseconds);
  /// Milliseconds left, rounded up; 0 when it has passed.
  int remaining_ms() const;
  bool passed() const { return remaining_ms() == 0; }

 private:
  std::int64_t end_;
};

/// Pauses that double from 100 µs up to 20 ms: only where the kernel offers no event to wait for.
class Backoff {
 public:
  /// clock_nanosleep(2); a signal may end it early.
  void pause();

 private:
  long nanoseconds_ = 100'000;
};

}  // namespace ocx::sys
