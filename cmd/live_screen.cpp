#include "cmd/live_screen.hpp"

#include <poll.h>
#include <signal.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/output.hpp"
#include "sys/event_fd.hpp"
#include "sys/signal_fd.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/terminal.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

// ECMA-48 and xterm: the alternate screen keeps what was on the terminal.
constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l", leave = "\x1b[?25h\x1b[?1049l", home = "\x1b[H",
                           to_end_of_line = "\x1b[K", to_end_of_screen = "\x1b[J";

/// The terminal while the table is on it.
class Screen {
 public:
  Screen() : mode_(sys::standard_output, sys::InputMode::keys) { print_if_read(enter); }
  ~Screen() {
    try {
      print_if_read(leave);
    } catch (...) {  // the terminal is gone
    }
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// One write, so that no half of a table is ever seen.
  // NOLINTNEXTLINE(readability-convert-member-functions-to-static): only while there is a screen
  bool draw(const LiveTable& table) {
    const winsize size = sys::window_size(sys::standard_output).value_or(winsize{});
    const std::size_t rows = size.ws_row == 0 ? 24 : size.ws_row;
    // In the last column erasing to the end of the line would erase the last letter.
    const std::size_t width = size.ws_col < 2 ? 79 : size.ws_col - 1U;
    const std::vector<std::string> lines = table.lines({.width = width, .colours = wants_colours()});
    const std::size_t shown = std::min(lines.size(), rows > 2 ? rows - 1 : rows);
    std::string text(home);
    for (std::size_t i = 0; i < shown; ++i) text.append(lines[i]).append(to_end_of_line).append("\r\n");
    return print_if_read(text.append(footer(table, lines.size() - shown).substr(0, width))
                             .append(to_end_of_line)
                             .append(to_end_of_screen));
  }

 private:
  static std::string footer(const LiveTable& table, std::size_t hidden) {
    if (std::string nothing = table.nothing(); !nothing.empty()) return nothing + "; q: quit";
    return (hidden > 0 ? std::to_string(hidden) + " more below; " : "") + "q: quit";
  }

  sys::RawMode mode_;
};

class Live {
 public:
  Live(LiveTable& table, std::int64_t interval_ns)
      : table_(table),
        // Changing the mode of a terminal from the background is to stop the job, as it does for others.
        signals_({SIGTTOU, SIGTTIN}),
        timer_(interval_ns),
        has_keys_(sys::is_terminal(sys::standard_input)) {}

  int run() {
    screen_.emplace();
    sample();
    while (!exit_code_) {
      wait();
      if (!exit_code_ && stale_) sample();
    }
    return *exit_code_;
  }

 private:
  void wait() {
    std::vector<sys::PollEntry> entries{
        {signals_.fd(), POLLIN}, {sys::standard_output, 0}, {timer_.fd(), POLLIN}};
    for (const sys::UniqueFd& end : table_.ends()) entries.push_back({end, POLLIN});
    if (has_keys_) entries.push_back({sys::standard_input, POLLIN});
    sys::poll(entries, -1);
    if (entries[1].ready) exit_code_ = 0;
    if (has_keys_ && entries.back().ready) take_keys();
    while (const std::optional<int> signal = signals_.take()) handle(*signal);
    if (timer_.take() > 0) stale_ = true;
    for (std::size_t i = 3; i < 3 + table_.ends().size(); ++i) stale_ = stale_ || entries[i].ready;
  }

  void sample() {
    stale_ = false;
    table_.sample();
    if (table_.ended())
      exit_code_ = 0;
    else
      draw();
  }

  void draw() {
    if (!screen_->draw(table_)) exit_code_ = 0;
  }

  void take_keys() {
    std::string keys;
    if (sys::read_some(sys::standard_input, keys, 64) == sys::ReadOutcome::end) exit_code_ = 0;
    if (keys.find_first_of("qQ") != std::string::npos) exit_code_ = 0;
  }

  void handle(int signal) {
    if (signal == SIGINT)
      exit_code_ = 0;
    else if (signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)
      exit_code_ = 128 + signal;
    else if (signal == SIGWINCH)
      draw();
    else if (signal == SIGTSTP || signal == SIGCONT)
      resume_after(signal);
  }

  /// The terminal is the shell's while the job is stopped; what it is afterwards may have changed.
  void resume_after(int signal) {
    screen_.reset();
    if (signal == SIGTSTP) sys::take_default_action(signal);
    screen_.emplace();
    draw();
  }

  LiveTable& table_;
  sys::SignalFd signals_;
  sys::Timer timer_;
  bool has_keys_;
  std::optional<Screen> screen_;
  std::optional<int> exit_code_;
  bool stale_ = false;
};

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool can_draw() {
  return sys::is_terminal(sys::standard_output) && !variable("TERM").empty() && variable("TERM") != "dumb";
}

bool wants_colours() {
  return can_draw() && variable("NO_COLOR").empty();
}

std::size_t table_width() {
  if (!sys::is_terminal(sys::standard_output)) return 0;
  if (const auto columns = sys::parse_uint(variable("COLUMNS")); columns && *columns > 0) return *columns;
  const auto size = sys::window_size(sys::standard_output);
  return size ? size->ws_col : 0U;
}

int show_live(LiveTable& table, std::int64_t interval_ns) {
  return Live(table, interval_ns).run();
}

}  // namespace ocx::cmd
