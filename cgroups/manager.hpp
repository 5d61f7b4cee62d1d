// One container's cgroup, whatever the host offers: v1, v2, hybrid (v1 controllers plus an unused or partial v2), none.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spec/resources.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

/// Controller name -> the container's directory, absolute. On pure v2 the one key is "". On v1 named hierarchies are
/// "name=systemd", and a hybrid's v2 tree is "unified".
using Paths = std::map<std::string, std::string>;

enum class Driver { cgroupfs, systemd, disabled };

/// How this host mounts cgroups; read once from /proc/self/mountinfo and /proc/self/cgroup.
struct Hierarchies {
  struct Hierarchy {
    std::vector<std::string> controllers;  // v1: those mounted together; empty for v2
    std::string mount_point;               // /sys/fs/cgroup/memory
    std::string own_path;                  // the runtime's cgroup in it, from /proc/self/cgroup
    std::string mount_root;                // root of the mount within the hierarchy, usually "/"
    bool v2 = false;
  };
  std::vector<Hierarchy> all;
  /// All controllers are on v2: the only hierarchy is the unified one.
  bool pure_v2() const { return all.size() == 1 && all.front().v2; }
};
Hierarchies detect_hierarchies();

class Manager {
 public:
  virtual ~Manager() = default;

  /// Makes the directories (config-linux.md, "Cgroups Path"). An existing empty one is used; one with processes or a frozen one
  /// is refused. Undoes itself when it fails half way.
  virtual void create() = 0;
  /// The directory to clone into with CLONE_INTO_CGROUP (pure v2), or nothing: then attach() has to be called.
  virtual std::optional<sys::FdRef> clone_target() const = 0;
  /// Puts a process into every hierarchy. On v1 the first write can take 10 ms (RCU), so callers overlap it.
  virtual void attach(int pid) = 0;
  /// Writes the limits of `resources`. Origin of errors: /linux/resources/….
  virtual void apply(const spec::Resources& resources) = 0;

  virtual const Paths& paths() const = 0;
  /// Directories create() really made, outermost first: what remove() may take away.
  virtual const std::vector<std::string>& made() const = 0;

  /// All member processes, of child cgroups too.
  virtual std::vector<int> processes() const = 0;
  virtual bool frozen() const = 0;
  virtual void thaw() = 0;
  /// SIGKILL to every member, without a race against fork (cgroup.kill, or freeze, kill, thaw).
  virtual void kill_all() = 0;
  /// Sends another signal once to every member.
  virtual void signal_all(int signal) = 0;
  /// Kills what is left, waits for the cgroup to become empty by event where the kernel has one, removes the directories of
  /// made() and their children. Idempotent.
  virtual void remove() = 0;
};

/// For create. `cgroups_path` as config.json has it (absolute: below each mount; relative: below the runtime's own cgroup; absent:
/// /<id> likewise).
std::unique_ptr<Manager> make_manager(Driver driver, const std::optional<std::string>& cgroups_path,
                                      const std::string& id);
/// For later commands, from the record.
std::unique_ptr<Manager> open_manager(Driver driver, const Paths& paths, const std::vector<std::string>& made);

}  // namespace ocx::cgroups
