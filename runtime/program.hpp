// What the container's init and a process that `exec` adds have in common on their way to the program.
#pragma once

#include <string>
#include <vector>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {

/// Executes the steps in order; errors carry the origin of theirs. `stage` names the list to `fail_at`
/// ("build:3": tests).
void run_steps(InitContext& context, const std::vector<InitStep>& steps, const char* stage,
               const std::string& fail_at);

/// The plan's environment with what only the process itself can settle: HOME, LISTEN_FDS, LISTEN_PID.
std::vector<std::string> settled_environment(const InitContext& context);

/// What execve of this path came back with.
Error exec_failure(const std::string& path, int error_number);

}  // namespace ocx::runtime
