// The pid file engines wait for.
#pragma once

#include <string>

namespace ocx::runtime {

/// Writes the decimal digits of `pid` and nothing else; the file appears whole, by rename. `path` is
/// absolute. Engines take its appearance for success, so it is create's last act.
void write_pid_file(const std::string& path, int pid);

}  // namespace ocx::runtime
