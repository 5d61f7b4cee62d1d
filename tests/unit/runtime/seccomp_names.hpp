// What the engines' default seccomp profiles allow, for unit tests and the benchmark.
#pragma once

#include <string>
#include <vector>

namespace ocx::test {

/// About 400 names of x86-64's and i386's system calls, less those a container is not to have.
std::vector<std::string> allowed_names();

}  // namespace ocx::test
