// The table of `ocx list`.
#pragma once

#include <string>
#include <vector>

#include "spec/state.hpp"

namespace ocx::cmd {

/// ID PID STATUS BUNDLE CREATED OWNER; columns at least 12 wide and 3 apart, as scripts that cut runc's table
/// expect.
std::string list_table(const std::vector<spec::State>& states);

}  // namespace ocx::cmd
