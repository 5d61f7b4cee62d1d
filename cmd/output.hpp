// Printing for a reader who may leave before the end.
#pragma once

#include <string_view>

namespace ocx::cmd {

/// Writes to stdout. False when nobody reads it any more: the end of the work, and no error.
bool print_if_read(std::string_view text);

}  // namespace ocx::cmd
