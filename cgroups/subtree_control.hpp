// Which controllers a v2 cgroup has: cgroup.controllers and cgroup.subtree_control on the way down to it.
#pragma once

#include <string>

namespace ocx::cgroups {

/// Passes every available controller on to the children of each directory from `top` (included) to
/// `directory` (excluded). One that can't be is left out: require_controller() says why when a setting needs
/// it.
void enable_controllers(const std::string& top, const std::string& directory);

/// Passes one controller down to `directory`. Throws Error, kind unsupported, with a remedy when that can't
/// be.
void require_controller(const std::string& directory, const std::string& controller);

/// Throws at /linux/cgroupsPath when the cgroup can't hold processes of its own, below a threaded one
/// (cgroups(7), "Thread mode").
void refuse_threaded(const std::string& directory);

}  // namespace ocx::cgroups
