// Cgroups as tests see them: the same code reads v1, v2 and what the systemd driver made.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/harness/bundle.hpp"

namespace ocx::test {

class Container;

/// $OCX_TEST_CGROUP_MANAGER is "systemd": every container's cgroup is a scope of systemd's. Default:
/// cgroupfs.
bool systemd_cgroups();
/// The words that make the runtime use that manager, to come before the verb; none without the variable.
std::vector<std::string> cgroup_manager_flags();

/// No v1 controller is mounted: the only hierarchy with controllers is the unified one. A hybrid host is v1.
bool cgroup_v2();

/// linux.cgroupsPath for a cgroup of that name (one component): "/NAME", or "system.slice:ocx:NAME" for
/// systemd.
std::string cgroups_path(const std::string& name);
/// The path in each hierarchy that cgroups_path(name) leads to: "/NAME", or "/system.slice/ocx-NAME.scope".
Path cgroup_place(const std::string& name);

/// The container's directory as its state.json records it, absolute: cgroup_directory(container, "memory").
/// On v2 every controller has the same. Fails the test when there is none.
Path cgroup_directory(const Container& container, const std::string& controller);
/// A file there, without the newline at its end; nothing when the kernel has no such file.
std::optional<std::string> read_cgroup_file(const Container& container, const std::string& controller,
                                            const std::string& file);

/// The processes of a cgroup; none when it is gone, as an empty scope of systemd's soon is.
std::vector<pid_t> cgroup_members(const Path& directory);

/// Freezes the container behind the runtime's back, and waits for it. False where there is no freezer.
bool freeze_cgroup(const Container& container);

/// Directories in any cgroup hierarchy whose path holds the text.
std::vector<std::string> cgroups_with(std::string_view text);
/// Units that systemd knows with the text in their names, failed ones too; none where systemd does not run.
std::vector<std::string> units_with(const std::string& text);
/// Mount points of the cgroup hierarchies: "memory" -> "/sys/fs/cgroup/memory", "" -> the unified one.
std::map<std::string, Path> cgroup_mounts();
/// /proc/PID/cgroup: controller -> path in its hierarchy, "" for the unified one.
std::map<std::string, std::string> cgroups_of(pid_t pid);
/// The process's directory in the hierarchy that has the controller, v1 or v2, absolute; fails the test when
/// none is mounted.
Path cgroup_directory_of(pid_t pid, const std::string& controller);

}  // namespace ocx::test
