// Pseudo terminals and the caller's own terminal.
#pragma once

#include <sys/ioctl.h>
#include <termios.h>

#include <cstdint>
#include <optional>

#include "sys/fd.hpp"

namespace ocx::sys {

struct Pty {
  UniqueFd master, slave;  // the slave by TIOCGPTPEER, never by path (CVE-2025-52565)
};
/// Opens `ptmx` (an O_PATH or open descriptor of a verified devpts' ptmx) and unlocks it.
Pty open_pty(FdRef ptmx);
void set_window_size(FdRef terminal, std::uint16_t rows, std::uint16_t columns);
std::optional<winsize> window_size(FdRef terminal);
bool is_terminal(FdRef fd);
/// Makes the terminal the controlling one of this session.
void set_controlling_terminal(FdRef terminal);
/// Raw mode for as long as the object lives; restored on destruction.
class RawMode {
 public:
  explicit RawMode(FdRef terminal);
  ~RawMode();
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  FdRef terminal_;
  termios saved_{};
};
/// ONLCR off on the master, so that output is not turned into CR CR LF by two terminals in a row.
void clear_onlcr(FdRef terminal);

}  // namespace ocx::sys
