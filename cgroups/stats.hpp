// A container's figures from its cgroup's files.
#pragma once

#include "cgroups/manager.hpp"
#include "spec/stats.hpp"

namespace ocx::cgroups {

/// What v1, v2 or both tell about the container. A file that the kernel lacks leaves its figure out. Error
/// failed: the cgroup is not there, or went while it was read.
spec::Stats read_stats(const Paths& paths);

}  // namespace ocx::cgroups
