// Signals as something to poll for (signalfd(2)).
#pragma once

#include <signal.h>

#include <initializer_list>
#include <optional>

#include "sys/fd.hpp"

namespace ocx::sys {

/// Blocks every signal but `passed` (and those that can't be blocked) while it lives; the old mask comes back
/// afterwards. Faults of the process itself (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT) are
/// never blocked.
class SignalFd {
 public:
  explicit SignalFd(std::initializer_list<int> passed);
  ~SignalFd();
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;

  FdRef fd() const { return fd_; }
  /// The next pending signal, without waiting.
  std::optional<int> take() const;

 private:
  sigset_t saved_{};
  UniqueFd fd_;
};

/// What the signal does by default (stops a job, unless nobody could continue it), while a SignalFd blocks
/// it.
void take_default_action(int signal);
/// Empties the signal mask of the process: what a program to be executed expects.
void clear_signal_mask();
/// The default disposition for a signal that may have been inherited as ignored.
void reset_signal(int signal);

}  // namespace ocx::sys
