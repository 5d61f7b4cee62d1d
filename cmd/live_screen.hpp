// A table on a terminal that is redrawn in place, until somebody has seen enough.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cmd/stats_table.hpp"
#include "sys/fd.hpp"

namespace ocx::cmd {

/// What is shown.
class LiveTable {
 public:
  virtual ~LiveTable() = default;
  /// Looks again.
  virtual void sample() = 0;
  /// Nothing of it is left to look at.
  virtual bool ended() const = 0;
  /// Readable when something has ended that makes another look worth while.
  virtual const std::vector<sys::UniqueFd>& ends() const = 0;
  /// Heading and rows, as of the last look.
  virtual std::vector<std::string> lines(const TableStyle& style) const = 0;
  /// Instead of rows, in the line below; empty when there are some.
  virtual std::string nothing() const = 0;
};

/// stdout is a terminal that can move its cursor ($TERM is neither empty nor "dumb").
bool can_draw();
/// Colours are wanted: a terminal, and no $NO_COLOR (no-color.org).
bool wants_colours();
/// How wide a table on stdout may be: $COLUMNS, or the terminal's width; 0 where that is no terminal.
std::size_t table_width();

/// Shows it until it has ended, q or control-C is pressed, or a signal asks to end. The terminal is then as
/// it was. The exit code: 0, or 128 + signal.
int show_live(LiveTable& table, std::int64_t interval_ns);

}  // namespace ocx::cmd
