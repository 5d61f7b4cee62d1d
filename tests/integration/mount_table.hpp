// What a container sees mounted, and the few things the tests of mounts do over and over.
#pragma once

#include <sys/stat.h>

#include <set>
#include <string>
#include <vector>

#include "tests/harness/container.hpp"

namespace ocx::test {

/// One line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
struct MountEntry {
  std::string device, root, target, type, source;
  std::set<std::string> options;      // of the mount
  std::set<std::string> superblock;   // of its file system
  std::set<std::string> propagation;  // "shared", "master", "unbindable"; empty: private
  bool has(const std::string& option) const { return options.count(option) != 0; }
};

std::vector<MountEntry> mounts_of(pid_t pid);
/// The topmost mount on that place as process `pid` sees it; fails the test when there is none.
MountEntry mount_on(pid_t pid, const std::string& target);
bool is_mounted(pid_t pid, const std::string& target);

/// "/x" of the container as a path of the host, for lstat, lists and reading (a link on the way is the
/// host's!).
Path inside(pid_t pid, const std::string& path);
/// lstat of a file of the container; fails the test when it is not there.
struct stat stat_inside(pid_t pid, const std::string& path);
bool exists_inside(pid_t pid, const std::string& path);
/// The names in a directory, sorted.
std::vector<std::string> names_in(const Path& directory);

/// {"destination", "type", "source", "options"} of a mount.
json tmpfs_mount(const std::string& destination, std::vector<std::string> options = {});
json bind_mount(const Path& source, const std::string& destination,
                std::vector<std::string> options = {"bind"});

/// Mounts on the host for the length of a test, below a directory of the test's own.
class HostMount {
 public:
  HostMount(const std::string& type, const std::string& source, Path target, unsigned long flags = 0);
  HostMount(const HostMount&) = delete;
  HostMount& operator=(const HostMount&) = delete;
  ~HostMount();
  const Path& path() const { return target_; }
  /// mount(2) with MS_SHARED and the like.
  void propagation(unsigned long flags) const;

 private:
  Path target_;
};

/// Creating this bundle's container fails, with all these texts in the one error line, and leaves nothing.
void check_refused(Bundle& bundle, const std::vector<std::string>& texts);

}  // namespace ocx::test
