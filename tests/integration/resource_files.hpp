// What the kernel says a container's limits are, on v1, hybrid and v2.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "tests/harness/container.hpp"

namespace ocx::test {

/// Some hierarchy of this machine has it: mounted as v1, or in the root's cgroup.controllers.
bool has_controller(const std::string& name);

/// The container's directory for the controller. On a hybrid host a controller that is not v1 is in the
/// unified hierarchy.
Path limit_directory(const Container& container, const std::string& controller);
/// A file there without its last newline; fails the test when it can't be read.
std::string limit_file(const Container& container, const std::string& controller, const std::string& file);
/// `key N` of a flat keyed file; -1 when there is no such key.
long keyed_value(const std::string& text, const std::string& key);
/// One of the lines is this.
bool has_line(const std::string& text, const std::string& line);

/// How often a fork was refused (pids.events), the group throttled (cpu.stat), a process killed for want of
/// memory (memory.events, or v1's memory.oom_control).
long forks_refused(const Path& pids_directory);
long times_throttled(const Path& cpu_directory);
long oom_kills(const Path& memory_directory);

/// Waits until `reached` holds, looking again each time the kernel announces a change of the file
/// (cgroups(7): v2's events files can be polled; v1 announces little, and is looked at every 10 ms). Fails
/// the test after 30 s.
void wait_for_change(const Path& file, const std::function<bool()>& reached);

/// A disk of the machine: throttling and weights need one that exists. major:minor; nothing without any.
struct DiskNumber {
  int major = 0, minor = 0;
  std::string text() const { return std::to_string(major) + ":" + std::to_string(minor); }
};
std::optional<DiskNumber> some_disk();

}  // namespace ocx::test
