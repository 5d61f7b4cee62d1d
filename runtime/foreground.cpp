#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/console.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/terminal.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t chunk = 4096;  // PIPE_BUF: after POLLOUT such a write to a pipe doesn't block
// More than a pty holds (64 KiB and a line discipline's 4): what a background process still writes is not
// ours to wait for.
constexpr std::size_t last_output = std::size_t{256} * 1024;

/// The terminal this command was called from, as runc looks for it.
struct CallerTerminal {
  CallerTerminal() {
    for (const sys::FdRef fd : {sys::standard_error, sys::standard_output, sys::standard_input})
      if (!terminal && sys::is_terminal(fd)) terminal = fd;
    if (terminal) return;
    sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), "/dev/tty", O_RDWR | O_NOCTTY);
    if (!opened) return;
    own = std::move(opened.fd);
    terminal = own.ref();
  }
  sys::UniqueFd own;
  std::optional<sys::FdRef> terminal;
};

std::optional<winsize> size_of(const CallerTerminal& caller) {
  const std::optional<winsize> size = caller.terminal ? sys::window_size(*caller.terminal) : std::nullopt;
  return size && size->ws_row != 0 ? size : std::nullopt;
}

void copy_size(const CallerTerminal& caller, sys::FdRef master) {
  if (const std::optional<winsize> size = size_of(caller))
    sys::set_window_size(master, size->ws_row, size->ws_col);
}

/// Copies between stdin, stdout and a pty's master. Never blocks but in poll and in the last write.
class TerminalCopy {
 public:
  explicit TerminalCopy(sys::UniqueFd master) : master_(std::move(master)) {
    sys::set_nonblocking(master_);
    // With a terminal in raw mode at our end the container's own ONLCR gives the one CR; a file or pipe wants
    // none.
    if (!sys::is_terminal(sys::standard_output)) sys::clear_onlcr(master_);
    resize();
    if (caller_.terminal) raw_.emplace(*caller_.terminal);
  }

  void resize() { copy_size(caller_, master_); }

  /// What this copy waits for now. A descriptor of no interest stays out: its hang-up would wake poll for
  /// ever.
  void add_to(std::vector<sys::PollEntry>& entries) const {
    const bool wants_output = slave_open_ && to_output_.empty(),
               wants_input = slave_open_ && !to_master_.empty();
    if (wants_output || wants_input)
      entries.push_back(
          {master_, static_cast<short>((wants_output ? POLLIN : 0) | (wants_input ? POLLOUT : 0))});
    if (!to_output_.empty()) entries.push_back({sys::standard_output, POLLOUT});
    if (input_open_ && slave_open_ && to_master_.empty()) entries.push_back({sys::standard_input, POLLIN});
  }

  void serve(const std::vector<sys::PollEntry>& entries) {
    for (const sys::PollEntry& entry : entries) {
      if (!entry.ready) continue;
      if (entry.fd.raw() == master_.ref().raw()) serve_master();
      if (entry.fd.raw() == sys::standard_output.raw()) flush_output();
      if (entry.fd.raw() == sys::standard_input.raw()) take_input();
    }
    if (!input_open_ && to_master_.empty()) end_input();
  }

  void drain() {
    std::size_t taken = 0;
    while (true) {
      finish_output();
      if (!slave_open_ || taken >= last_output || take_output() == sys::ReadOutcome::nothing_now) return;
      taken += to_output_.size();
    }
  }

 private:
  sys::ReadOutcome take_output() {
    const sys::ReadOutcome outcome = sys::read_some(master_, to_output_, chunk);
    if (outcome == sys::ReadOutcome::end) slave_open_ = false;
    return outcome;
  }

  void serve_master() {
    if (!to_master_.empty()) {
      const ssize_t written = sys::write_some(master_, to_master_);
      to_master_.erase(0, written < 0 ? std::string::npos : static_cast<std::size_t>(written));
    }
    if (to_output_.empty()) take_output();
  }

  // Nobody reads us any more (EPIPE): the payload goes on, its output is dropped.
  void flush_output() {
    const ssize_t written = sys::write_some(sys::standard_output, to_output_);
    to_output_.erase(0, written < 0 ? std::string::npos : static_cast<std::size_t>(written));
  }

  void finish_output() {
    while (!to_output_.empty()) {
      std::vector<sys::PollEntry> entries{{sys::standard_output, POLLOUT}};
      sys::poll(entries, -1);
      flush_output();
    }
  }

  void take_input() {
    if (sys::read_some(sys::standard_input, to_master_, chunk) == sys::ReadOutcome::end) input_open_ = false;
    if (!to_master_.empty()) line_begun_ = to_master_.back() != '\n';
  }

  // A terminal has no end: who reads from it is told by a character, twice when a line has begun (termios(3),
  // VEOF). Changing to or from reading by lines spoils one that nobody has read yet (n_tty_set_termios() of
  // the kernel), as a shell does before it asks for its first command: then it is sent again.
  void end_input() {
    const sys::EndOfFile end = sys::end_of_file(master_);
    if (!slave_open_ || end_sent_ == end.canonical) return;
    to_master_.assign(line_begun_ && end.canonical ? 2 : 1, end.character);
    line_begun_ = false;
    end_sent_ = end.canonical;
  }

  sys::UniqueFd master_;
  CallerTerminal caller_;
  std::optional<sys::RawMode> raw_;
  std::string to_master_, to_output_;
  bool slave_open_ = true, input_open_ = true, line_begun_ = false;
  std::optional<bool>
      end_sent_;  // the end of the input was sent to a terminal that then was canonical, or not
};

}  // namespace

ForegroundRelay::ForegroundRelay() : signals_({SIGCHLD, SIGURG}) {}

void ForegroundRelay::set_size(sys::FdRef master) {
  copy_size(CallerTerminal(), master);
}

std::optional<spec::ConsoleSize> ForegroundRelay::caller_size() {
  const std::optional<winsize> size = size_of(CallerTerminal());
  if (!size) return std::nullopt;
  return spec::ConsoleSize{size->ws_row, size->ws_col};
}

sys::ExitStatus ForegroundRelay::wait(sys::FdRef pidfd, sys::UniqueFd master) {
  std::optional<TerminalCopy> copy;
  if (master) copy.emplace(std::move(master));
  while (true) {
    std::vector<sys::PollEntry> entries{{pidfd, POLLIN}, {signals_.fd(), POLLIN}};
    if (copy) copy->add_to(entries);
    sys::poll(entries, -1);
    while (const std::optional<int> signal = signals_.take()) {
      if (*signal == SIGPIPE) continue;
      if (*signal == SIGWINCH && copy)
        copy->resize();
      else
        sys::pidfd_send_signal(pidfd, *signal);
    }
    if (entries[0].ready) break;
    if (copy) copy->serve(entries);
  }
  if (copy) copy->drain();
  return sys::wait_for_child(pidfd);
}

}  // namespace ocx::runtime
