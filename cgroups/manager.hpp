// One container's cgroup, whatever the host offers: v1, v2, hybrid (v1 controllers plus an unused or partial
// v2), none.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spec/resources.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

/// Controller name -> the container's directory, absolute. On pure v2 the one key is "". On v1 named
/// hierarchies are "name=systemd", and a hybrid's v2 tree is "unified".
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

/// The key of a hierarchy's directory in Paths.
std::string path_key(const Hierarchies& hierarchies, const Hierarchies::Hierarchy& hierarchy);

class Manager {
 public:
  virtual ~Manager() = default;

  /// Makes the directories (config-linux.md, "Cgroups Path"). An existing empty one is used; one with
  /// processes or a frozen one is refused. Undoes itself when it fails half way.
  virtual void create() = 0;
  /// The directory to clone into with CLONE_INTO_CGROUP (pure v2), or nothing: then attach() has to be
  /// called.
  virtual std::optional<sys::FdRef> clone_target() const = 0;
  /// Puts a process into every hierarchy. On v1 the first write can take 10 ms (RCU), so callers overlap it.
  virtual void attach(int pid) = 0;
  /// Writes the limits of `resources`. Origin of errors: /linux/resources/….
  virtual void apply(const spec::Resources& resources) = 0;
  /// For `update`: as apply(), without the devices, whatever `resources` says of them (a reloaded device
  /// policy takes away what was granted behind the runtime's back: GPUs). When it fails, what was in force
  /// before is in force again. `resources` has only what is to be written.
  virtual void update(const spec::Resources& resources) = 0;
  /// Gives the cgroup to a user of the container, so that its processes can have cgroups of their own
  /// (config-linux.md, "Cgroup ownership"): the directory and the files of /sys/kernel/cgroup/delegate.
  /// Nothing on v1, where delegation is not safe. With a leaf to delegate (leaf.hpp) that is what is given;
  /// init moves into it, so it has its cgroup namespace already.
  virtual void delegate(uid_t owner) = 0;

  virtual const Paths& paths() const = 0;
  /// Before create(): the directories it is going to make, for a record that outlives a crash. After it:
  /// those it really made (the paths may have become fewer, too: a rootless caller may lack permission for a
  /// hierarchy). Outermost first: what remove() may take away.
  virtual const std::vector<std::string>& made() const = 0;
  /// systemd's name of the scope, for the record; empty with the other drivers.
  virtual std::string unit() const { return {}; }

  /// All member processes, of child cgroups too.
  virtual std::vector<int> processes() const = 0;
  virtual bool frozen() const = 0;
  /// Stops every member, and returns when all have stopped; after 10 s without success it thaws them again
  /// and throws. Error: no freezer.
  virtual void freeze() = 0;
  virtual void thaw() = 0;
  /// SIGKILL to every member, without a race against fork (cgroup.kill, or freeze, kill, thaw).
  virtual void kill_all() = 0;
  /// Sends another signal once to every member.
  virtual void signal_all(int signal) = 0;
  /// Kills what is left, waits for the cgroup to become empty by event where the kernel has one, removes the
  /// directories of made() and their children. A parent that others have come to use stays. Idempotent;
  /// nothing before create().
  virtual void remove() = 0;
  /// remove() after a create that died with its process recorded: what it had asked systemd for may be on its
  /// way still.
  virtual void remove_unfinished() { remove(); }
  /// remove() that signals nobody: waits up to 2 s for members that are dying, then leaves, with a warning,
  /// what still has any. For a create that died before its process was recorded: whose members these are is
  /// not known.
  virtual void remove_unused() = 0;
};

/// What create asks for.
struct Request {
  Driver driver = Driver::cgroupfs;
  std::optional<std::string> cgroups_path;  // as config.json has it; where that is on the host: path.hpp
  std::string id;
  bool rootless = false;  // without a path of its own, a hierarchy that refuses the caller is done without
  std::map<std::string, std::string> annotations = {};  // org.systemd.property.*, those of leaf.hpp
};
/// For create. Makes nothing yet. Error: invalid_config at /linux/cgroupsPath.
std::unique_ptr<Manager> make_manager(const Request& request);
/// For later commands, from the record; looks at no mount table. Without paths there is nothing to manage.
std::unique_ptr<Manager> open_manager(Driver driver, const Paths& paths, const std::vector<std::string>& made,
                                      const std::string& unit = {});

}  // namespace ocx::cgroups
