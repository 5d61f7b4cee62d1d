// The container's terminal: made by init (execute(step::Console)), sent to a console socket, or relayed in
// the foreground.
#pragma once

#include <optional>
#include <string>

#include "spec/config.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"
#include "sys/signal_fd.hpp"

namespace ocx::runtime {

/// One message with >= 1 byte (the pty's name) and the master; nobody has to have accepted yet, no reply is
/// awaited.
void send_console_master(const std::string& socket_path, sys::FdRef master);
/// The same framing for --pidfd-socket; `payload` is "standard" (init).
void send_pidfd(const std::string& socket_path, sys::FdRef pidfd, const std::string& payload);

/// Foreground: forwards signals (all but CHLD, PIPE, URG; WINCH becomes a window size) to the process, and
/// with a master copies both ways with the caller's terminal in raw mode, until the process ends and its
/// output is drained. Reaps it. `master` may be -1 (no terminal): then only signals and waiting.
class ForegroundRelay {
 public:
  /// Blocks the forwarded signals (and SIGPIPE) as long as it lives, so that none is lost between clone and
  /// wait; construct before launching. A mask is inherited: init resets its own before it executes anything.
  ForegroundRelay();
  ForegroundRelay(const ForegroundRelay&) = delete;
  ForegroundRelay& operator=(const ForegroundRelay&) = delete;
  /// Gives the container's terminal the caller's size; before the program starts, which may look at it at
  /// once.
  static void set_size(sys::FdRef master);
  /// The size of the caller's terminal; nothing when it has none, or none with a size.
  static std::optional<spec::ConsoleSize> caller_size();
  sys::ExitStatus wait(sys::FdRef pidfd, sys::UniqueFd master);

 private:
  sys::SignalFd signals_;
};

}  // namespace ocx::runtime
