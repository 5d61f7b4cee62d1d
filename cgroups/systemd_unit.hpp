// Names of systemd's units and where their cgroups are: systemd.unit(5), systemd.slice(5). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cgroups/manager.hpp"

namespace ocx::cgroups {

/// The unit a container is.
struct SystemdUnit {
  std::string name;   // ocx-ID.scope, or machine-x.slice
  std::string slice;  // the slice that holds it
  bool is_slice() const;
};

/// `slice:prefix:name`: unit `prefix-name.scope` (`name.scope` without a prefix) in `slice`; a name that ends
/// in .slice is a slice unit itself, and its place follows from its own name. Absent or "" is `:ocx:<id>`;
/// an empty slice is system.slice, user.slice for a user's manager. Characters that no unit name has are
/// written \xNN, as systemd-escape(1) does. Throws invalid_config at /linux/cgroupsPath.
SystemdUnit unit_of(const std::optional<std::string>& cgroups_path, const std::string& id, bool user_manager);

/// The cgroup of a slice below its manager's: "a-b.slice" -> "/a.slice/a-b.slice", "-.slice" -> "". Nothing
/// for what is no slice's name.
std::optional<std::string> slice_directory(std::string_view slice);

/// The cgroup of a unit below its manager's.
std::string unit_directory(const SystemdUnit& unit);

/// The cgroup of the system's manager, "" for the root, from /proc/1/cgroup: pid 1 is in init.scope below it.
std::string system_manager_cgroup(std::string_view init_cgroup);

/// The cgroup of the manager of user `uid`: that of user@N.service if the caller's own cgroup is below one,
/// else where systemd-logind(8) has it.
std::string user_manager_cgroup(std::string_view own_cgroup, unsigned uid);

}  // namespace ocx::cgroups
