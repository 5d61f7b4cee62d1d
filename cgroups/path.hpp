// Where a container's cgroup is: config-linux.md, "Cgroups Path". Pure.
//
//   cgroupsPath     v1                                   v2
//   /a/b            <mount>/a/b                          <mount>/a/b
//   a/b             <mount><own cgroup>/a/b              <mount><parent of the own cgroup>/a/b
//   absent or ""    <mount><own cgroup>/<id>             <mount><parent of the own cgroup>/<id>
//
// On v2 the runtime's own cgroup has processes (the runtime), and the kernel gives no controllers to the
// children of such a one (cgroups(7), "no internal processes"); its sibling can have them. The root cgroup is
// exempt from the rule and is its own parent here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cgroups/manager.hpp"

namespace ocx::cgroups {

/// True for "/a/b" in "/a" and in "/a/b" and in "/", false for "/ab" in "/a".
bool is_below(std::string_view path, std::string_view ancestor);

/// The directory in this hierarchy, absolute. `cgroups_path` has passed check_cgroups_path().
std::string container_directory(const Hierarchies::Hierarchy& hierarchy,
                                const std::optional<std::string>& cgroups_path, const std::string& id);

/// Throws invalid_config at /linux/cgroupsPath for ".." and for what names no cgroup of its own ("/", ".").
/// The form `slice:prefix:name` is a name like any other here: Docker's BuildKit sends it without
/// --systemd-cgroup.
void check_cgroups_path(const std::string& cgroups_path);

}  // namespace ocx::cgroups
