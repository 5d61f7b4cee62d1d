// The cgroups that a process goes into when it joins a container.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroups/manager.hpp"
#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// The container's directories, with those parts replaced that --cgroup names: "[CONTROLLER[,…]:]PATH", PATH
/// in the container's cgroup, "/" being its top. Pure. Errors (usage): no such controller; a path that leaves
/// the container's cgroup; two paths for one hierarchy.
cgroups::Paths exec_cgroup_paths(const cgroups::Paths& container, const std::vector<std::string>& wishes);

class ExecCgroup {
 public:
  /// `wishes` as for exec_cgroup_paths(); `init` is the container's first process. `annotations`: those that
  /// give init a cgroup below the container's (cgroups/leaf.hpp) do so for who joins.
  ExecCgroup(const sys::Procfs& proc, int init, const cgroups::Paths& container,
             const std::vector<std::string>& wishes, const std::map<std::string, std::string>& annotations);

  bool empty() const { return directories_.empty(); }
  /// For CLONE_INTO_CGROUP, where the only hierarchy is the unified one.
  std::optional<sys::FdRef> clone_target() const;
  /// After the kernel has refused the recorded directory with that errno: init's own cgroup becomes the
  /// target, if it can stand in. False: it can't, or is the target already.
  bool follow_init(int error_number);
  /// Puts the process into every hierarchy. On v1 the first write can take 10 ms (RCU), so callers overlap
  /// it.
  void attach(int pid);

 private:
  struct Directory {
    std::string controller, path;
  };
  bool unified_alone() const { return directories_.size() == 1 && directories_.front().controller.empty(); }
  void open_target();
  std::optional<std::string> directory_of_init(const std::string& controller) const;
  void attach_to(Directory& directory, const std::string& pid);

  const sys::Procfs& proc_;
  int init_;
  bool chosen_;  // --cgroup was given: nothing else will do
  std::vector<Directory> directories_;
  sys::UniqueFd target_;
};

}  // namespace ocx::runtime
