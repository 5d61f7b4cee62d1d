// Files of a container's cgroup, found by controller, whatever hierarchy that is in. For readers that cope
// with a cgroup that vanishes while they look.
#pragma once

#include <optional>
#include <string>

#include "cgroups/manager.hpp"

namespace ocx::cgroups {

/// Where one controller of a container is.
struct ControllerDirectory {
  std::string path;  // absolute
  bool v2 = false;
};

/// A v1 controller counts before v2, as the kernel gives it to one hierarchy only; on hybrid hosts what is
/// not v1 is looked for in the "unified" one. Nothing without either.
std::optional<ControllerDirectory> find_controller(const Paths& paths, const std::string& controller);

/// Nothing when the file, or by now its cgroup, is not there (ENOENT, ENODEV), or can't be read in this kind
/// of cgroup (EOPNOTSUPP).
std::optional<std::string> read_cgroup_file(sys::FdRef directory, const std::string& name);

}  // namespace ocx::cgroups
