// The processes and child cgroups of a cgroup directory, the same for v1 and v2.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sys/clock.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

/// The processes in these directories and below, sorted, each once, as the caller's pid namespace sees them
/// (those it doesn't see are left out). Directories that don't exist have none.
std::vector<int> members_of(const std::vector<std::string>& directories);

/// Sends the signal once to every member. A pid that was recycled meanwhile is not signalled: the handle is
/// opened first and the membership read again.
void signal_members(const std::vector<std::string>& directories, int signal);

/// Waits until those that are members now have ended; false when the time is over.
bool wait_for_members(const std::vector<std::string>& directories, const sys::Deadline& deadline);

/// Waits until a v2 cgroup and those below it have no processes (cgroup.events), dying ones included; false
/// when the time is over. One that doesn't exist has none.
bool wait_until_unpopulated(const std::string& directory, const sys::Deadline& deadline);

/// Removes the cgroups below a directory, as far as they have no processes.
void remove_descendants(const std::string& directory);

}  // namespace ocx::cgroups
