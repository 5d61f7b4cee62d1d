// Pseudo terminals and the caller's own terminal.
#pragma once

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#include <cstdint>
#include <optional>

#include "sys/fd.hpp"

namespace ocx::sys {

struct Pty {
  UniqueFd master, slave;  // the slave by TIOCGPTPEER, never by path (CVE-2025-52565)
};
/// Character device 5:2.
bool is_ptmx(const struct ::stat& info);
/// Makes the pair from an open ptmx, which becomes the master. Error: it is not char 5:2, or the kernel's own
/// (no devpts).
Pty open_pty(UniqueFd ptmx);
void set_window_size(FdRef terminal, std::uint16_t rows, std::uint16_t columns);
std::optional<winsize> window_size(FdRef terminal);
bool is_terminal(FdRef fd);
/// Makes the terminal the controlling one of this session.
void set_controlling_terminal(FdRef terminal);
/// Puts the descriptor on 0, 1 and 2, inheritable.
void replace_standard_streams(FdRef fd);
/// raw: nothing is interpreted. keys: input comes at each key, without echo; signals and output are as
/// before.
enum class InputMode { raw, keys };
/// That mode for as long as the object lives; restored on destruction.
class RawMode {
 public:
  explicit RawMode(FdRef terminal, InputMode mode = InputMode::raw);
  ~RawMode();
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;

 private:
  FdRef terminal_;
  termios saved_{};
};
/// How a terminal would read the end of its input.
struct EndOfFile {
  char character = 4;     // VEOF
  bool canonical = true;  // ICANON: input is read by lines
};
EndOfFile end_of_file(FdRef terminal);
/// ONLCR off on the master, so that output is not turned into CR CR LF by two terminals in a row.
void clear_onlcr(FdRef terminal);

}  // namespace ocx::sys
