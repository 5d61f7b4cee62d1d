// How the host mounts cgroups, from the text of two proc files.
#pragma once

#include <string_view>

#include "cgroups/manager.hpp"

namespace ocx::cgroups {

/// Pure. `mountinfo` as in proc_pid_mountinfo(5), `self_cgroup` as in cgroups(7) "/proc/pid/cgroup". Lines
/// that are not of their form are skipped. Of several mounts of one hierarchy the first that shows the own
/// cgroup counts, else the first.
Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view self_cgroup);

/// proc_pid_mountinfo(5): blank, tab, newline and backslash are written as three octal digits.
std::string unescape_mount_path(std::string_view text);

}  // namespace ocx::cgroups
