// Where systemd puts a unit's cgroup, in each hierarchy of the host.
#pragma once

#include <string>
#include <vector>

#include "cgroups/systemd_unit.hpp"
#include "cgroups/tree_manager.hpp"

namespace ocx::cgroups {

/// True when the unit belongs to the manager of the caller, not to the system's: not root, or root of a user
/// namespace, whom the system's would refuse.
bool has_user_manager();

/// The cgroup a unit is going to have, from the root of the hierarchies.
std::string predicted_cgroup(const SystemdUnit& unit, bool user_manager);

/// The directories of a cgroup.
std::vector<Tree> trees_at(const Hierarchies& hierarchies, const std::string& cgroup);
Paths paths_of(const std::vector<Tree>& trees);

/// What removing the container has to remove, outermost first: its cgroups, and in the v1 hierarchies that
/// systemd does nothing with the parents that don't exist yet, too.
std::vector<std::string> removable(const std::vector<Tree>& trees);

}  // namespace ocx::cgroups
