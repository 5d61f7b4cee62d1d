// Runs one command of a contender and meters it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ocx::bench {

using Argv = std::vector<std::string>;

/// A command ended with something else than status 0; what() has its own words.
struct CommandFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a command costs: milliseconds or system calls. Throws CommandFailed.
using Meter = std::function<double(const Argv&)>;

/// Wall time of fork, exec and wait, in milliseconds. `expected` is the exit status that counts as success.
double time_command(const Argv& argv, int expected = 0);

/// System calls of the command and of everything it starts until it ends. A process it leaves behind, whose
/// pid is in `pid_file` (empty: none), is let go when the command has ended. The calling process has to be a
/// subreaper.
double count_system_calls(const Argv& argv, const std::string& pid_file = {}, int expected = 0);

/// The pid a runtime wrote with --pid-file; -1 while there is none.
pid_t read_pid(const std::string& pid_file);

}  // namespace ocx::bench
