// What `ocx top` prints. Pure.
#pragma once

#include <string>
#include <vector>

#include "cmd/stats_table.hpp"
#include "runtime/top.hpp"

namespace ocx::cmd {

/// The container in one line, a heading, and a line a process, without newlines; cut to the style's width.
std::vector<std::string> top_table(const spec::Usage& whole,
                                   const std::vector<runtime::ProcessUse>& processes,
                                   const TableStyle& style);

/// One object on one line: `container` as `ocx stats` has it, and `processes`.
std::string top_json(const spec::Usage& whole, const std::vector<runtime::ProcessUse>& processes);

}  // namespace ocx::cmd
