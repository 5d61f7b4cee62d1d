// The cgroups that every contender gets to see.
#pragma once

#include <string>
#include <vector>

namespace ocx::bench {

/// Gives this process a mount namespace of its own. On a hybrid host /sys/fs/cgroup there shows the version 1
/// hierarchies alone, because crun 1.8 refuses the mixture. Returns their mount points; none on a pure
/// version 2 host, which stays as it is. Throws std::system_error.
std::vector<std::string> enter_cgroup_view();

}  // namespace ocx::bench
