// Another program's output, whole.
#pragma once

#include <string>

#include "sys/fd.hpp"
#include "sys/process.hpp"
#include "sys/spawn.hpp"

namespace ocx::sys {

/// The absolute path of a program in the absolute directories of $PATH (of the usual ones when that is
/// unset or empty); empty: not there.
std::string find_program(const std::string& name);

/// The variables of this process: for a program that is to have the same.
std::vector<std::string> own_environment();

/// A file in memory for another program's output: it takes any amount without anybody reading it meanwhile.
UniqueFd output_file();
/// All that was written to it.
std::string output_of(FdRef file);

struct Captured {
  ExitStatus status;
  std::string output, error_output;
};
/// Runs the program to its end with an empty stdin. Error: it can't be executed.
Captured capture(const Program& program);

}  // namespace ocx::sys
