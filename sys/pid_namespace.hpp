// Who lives in a pid namespace, from /proc and nsfs (ioctl_ns(2)).
#pragma once

#include <vector>

namespace ocx::sys {

/// The processes of the pid namespace that `pid` is in, and of those below it, sorted. Empty when `pid` is
/// gone.
std::vector<int> pid_namespace_members(int pid);

}  // namespace ocx::sys
