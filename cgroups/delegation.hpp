// cgroup-v2.rst, "Delegation".
#pragma once

#include <sys/types.h>

#include <string>

namespace ocx::cgroups {

/// Makes `owner` the owner of a v2 cgroup's directory and of those of its files that
/// /sys/kernel/cgroup/delegate names; of no other file, so that its limits stay the host's. A caller without
/// the privilege to give away keeps them.
void give_away(const std::string& directory, uid_t owner);

}  // namespace ocx::cgroups
