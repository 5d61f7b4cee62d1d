#include "sys/terminal.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

bool is_ptmx(const struct ::stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(5, 2);
}

Pty open_pty(UniqueFd ptmx) {
  if (!is_ptmx(fstat(ptmx))) throw Error("ptmx is not the character device 5:2");
  int unlocked = 0;
  if (::ioctl(ptmx.ref().raw(), TIOCSPTLCK, &unlocked) != 0) throw_errno("ioctl TIOCSPTLCK on ptmx");
  UniqueFd slave(::ioctl(ptmx.ref().raw(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!slave) throw_errno("ioctl TIOCGPTPEER on ptmx");
  return {std::move(ptmx), std::move(slave)};
}

void set_window_size(FdRef terminal, std::uint16_t rows, std::uint16_t columns) {
  const winsize size{rows, columns, 0, 0};
  if (::ioctl(terminal.raw(), TIOCSWINSZ, &size) != 0) throw_errno("ioctl TIOCSWINSZ");
}

std::optional<winsize> window_size(FdRef terminal) {
  winsize size{};
  if (::ioctl(terminal.raw(), TIOCGWINSZ, &size) != 0) return std::nullopt;
  return size;
}

bool is_terminal(FdRef fd) {
  termios settings{};
  return ::tcgetattr(fd.raw(), &settings) == 0;
}

void set_controlling_terminal(FdRef terminal) {
  if (::ioctl(terminal.raw(), TIOCSCTTY, 0) != 0) throw_errno("ioctl TIOCSCTTY");
}

void replace_standard_streams(FdRef fd) {
  for (int target = 0; target <= 2; ++target)
    if (::dup2(fd.raw(), target) < 0) throw_errno("dup2 a terminal onto " + std::to_string(target));
}

RawMode::RawMode(FdRef terminal, InputMode mode) : terminal_(terminal) {
  if (::tcgetattr(terminal_.raw(), &saved_) != 0) throw_errno("tcgetattr");
  termios raw = saved_;
  if (mode == InputMode::raw)
    ::cfmakeraw(&raw);
  else
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (::tcsetattr(terminal_.raw(), TCSANOW, &raw) != 0) throw_errno("tcsetattr");
}

RawMode::~RawMode() {
  ::tcsetattr(terminal_.raw(), TCSANOW, &saved_);
}

EndOfFile end_of_file(FdRef terminal) {
  termios settings{};
  if (::tcgetattr(terminal.raw(), &settings) != 0) return {};
  return {static_cast<char>(settings.c_cc[VEOF]), (settings.c_lflag & ICANON) != 0};
}

void clear_onlcr(FdRef terminal) {
  termios settings{};
  if (::tcgetattr(terminal.raw(), &settings) != 0) throw_errno("tcgetattr");
  settings.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  if (::tcsetattr(terminal.raw(), TCSANOW, &settings) != 0) throw_errno("tcsetattr");
}

}  // namespace ocx::sys
