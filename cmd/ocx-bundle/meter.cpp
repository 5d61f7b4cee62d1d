#include "cmd/ocx-bundle/meter.hpp"

#include <signal.h>

#include <utility>

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/size.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/terminal.hpp"

namespace ocx::bundle {
namespace {

constexpr std::int64_t look_ns = 20'000'000, show_ns = 300'000'000;

}  // namespace

Meter::Meter(const Limits& limits, const sys::SignalFd& signals)
    : limits_(limits), signals_(signals), terminal_(sys::is_terminal(sys::standard_error)) {
  next_show_ = sys::monotonic_ns() + show_ns;
}

void Meter::add_bytes(std::size_t count) {
  bytes_ += count;
  if (bytes_ > limits_.bytes)
    throw Error("it unpacks to more than " + sys::size_text(limits_.bytes))
        .hint("if it is no attack, give more with --max-size");
  look_around();
}

void Meter::add_entry() {
  if (++entries_ > limits_.entries)
    throw Error("it has more than " + std::to_string(limits_.entries) + " entries")
        .hint("if it is no attack, give more with --max-entries");
  look_around();
}

void Meter::wait_readable(sys::FdRef fd) {
  while (sys::poll_readable({fd, signals_.fd()}, -1) == 1) check_signals();
}

void Meter::set_phase(std::string phase) {
  phase_ = std::move(phase);
}

void Meter::clear() {
  if (shown_) sys::write_some(sys::standard_error, "\r\x1b[K");
  shown_ = false;
}

void Meter::look_around() {
  const std::int64_t now = sys::monotonic_ns();
  if (now < next_look_) return;
  next_look_ = now + look_ns;
  check_signals();
  if (!terminal_ || now < next_show_) return;
  next_show_ = now + show_ns;
  show();
}

void Meter::check_signals() const {
  while (const auto signal = signals_.take())
    // EPIPE is an error where it happens, and the others end nobody.
    if (*signal != SIGPIPE && *signal != SIGURG && *signal != SIGCHLD && *signal != SIGWINCH)
      throw Interrupted{*signal};
}

void Meter::show() {
  const std::string line =
      "\r\x1b[K" + phase_ + ": " + std::to_string(entries_) + " entries, " + sys::size_text(bytes_);
  shown_ = sys::write_some(sys::standard_error, line) > 0;
}

}  // namespace ocx::bundle
