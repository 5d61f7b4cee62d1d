// `ocx stats` on a terminal: a table that is redrawn in place.
#pragma once

#include <cstdint>

#include "runtime/stats.hpp"

namespace ocx::cmd {

/// stdout is a terminal that can move its cursor ($TERM is neither empty nor "dumb").
bool can_draw();
/// Colours are wanted: a terminal, and no $NO_COLOR (no-color.org).
bool wants_colours();

/// Shows the containers until the named ones have ended, q or control-C is pressed, or a signal asks to end.
/// The terminal is then as it was. The exit code: 0, or 128 + signal.
int show_on_terminal(runtime::UsageWatch& watch, std::int64_t interval_ns);

}  // namespace ocx::cmd
