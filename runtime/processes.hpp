// `ps`: which processes a container has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/request.hpp"

namespace ocx::runtime {

/// All processes in the container, sorted, as the caller's pid namespace numbers them; of a stopped one those
/// that are left. Error unsupported: it has neither a cgroup nor a pid namespace of its own to tell them by.
std::vector<int> processes(const Globals& globals, const std::string& id);

/// What the host's ps(1) says about them, run with these arguments (none: -ef). Error unsupported: there is
/// no ps.
std::string process_table(const Globals& globals, const std::string& id,
                          const std::vector<std::string>& args);

/// Pure: the heading and the lines whose PID is one of these (sorted). Error: no PID column.
std::string lines_of_pids(std::string_view table, const std::vector<int>& pids);

}  // namespace ocx::runtime
