// Id-mapped mounts: made by the parent, who alone may (mount_setattr(2): CAP_SYS_ADMIN in the user namespace
// of the file system, and of the map), on init's request.
#pragma once

#include <vector>

#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

class IdMappedMounts {
 public:
  explicit IdMappedMounts(const sys::Procfs& proc) : proc_(proc) {}

  /// A detached clone of the source of that mount, in init's mount namespace, which shows ids as its id_map
  /// says. `origin` comes from init and only chooses among the plan's own steps. Throws Error with the
  /// mount's origin.
  sys::UniqueFd make(const Plan& plan, const Origin& origin, int init_pid);

 private:
  sys::FdRef user_namespace(const step::IdMap& map, int init_pid);

  struct Made {
    bool container = false;
    std::vector<spec::IdMapping> uids, gids;
    sys::UniqueFd user_namespace;
  };
  const sys::Procfs& proc_;
  std::vector<Made> made_;  // one for each distinct map
};

/// A new user namespace with these maps and no process in it.
sys::UniqueFd make_user_namespace(const sys::Procfs& proc, const step::IdMap& map);

}  // namespace ocx::runtime
