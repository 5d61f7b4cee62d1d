// The factory behind make_manager(), for a given view of the host.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cgroups/leaf.hpp"
#include "cgroups/manager.hpp"

namespace ocx::cgroups {

/// The cgroupfs driver for these hierarchies: v2 when they are pure v2, v1 (hybrid included) otherwise, none
/// without any.
std::unique_ptr<Manager> make_cgroupfs_manager(const Hierarchies& hierarchies,
                                               const std::optional<std::string>& cgroups_path,
                                               const std::string& id, bool rootless = false,
                                               const Leaves& leaves = {});

}  // namespace ocx::cgroups
