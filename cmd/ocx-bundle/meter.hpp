// What passes is counted: against the limits, for the progress that a terminal shows, and between signals.
#pragma once

#include <cstdint>
#include <string>

#include "sys/fd.hpp"
#include "sys/signal_fd.hpp"

namespace ocx::bundle {

/// A signal that ends the work. No Error: the process dies of it when everything is cleaned up.
struct Interrupted {
  int signal;
};

struct Limits {
  std::uint64_t bytes = 0, entries = 0;
};

class Meter {
 public:
  Meter(const Limits& limits, const sys::SignalFd& signals);
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;
  ~Meter() { clear(); }

  /// Each throws when a limit is exceeded, and Interrupted.
  void add_bytes(std::size_t count);
  void add_entry();
  /// Waits until the descriptor can be read.
  void wait_readable(sys::FdRef fd);

  /// Begins the line of progress: "layer 2 of 5".
  void set_phase(std::string phase);
  /// Takes the line of progress away, before something else is printed.
  void clear();

  /// Counts from 0 again.
  void restart() { bytes_ = entries_ = 0; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t entries() const { return entries_; }

 private:
  void look_around();
  void check_signals() const;
  void show();

  Limits limits_;
  const sys::SignalFd& signals_;
  bool terminal_;
  bool shown_ = false;
  std::string phase_;
  std::uint64_t bytes_ = 0, entries_ = 0;
  std::int64_t next_look_ = 0, next_show_ = 0;  // monotonic nanoseconds
};

}  // namespace ocx::bundle
