// linux.intelRdt: shares of the last-level cache and of memory bandwidth, and monitoring, by the resctrl file
// system (config-linux.md, "IntelRdt"; kernel doc filesystems/resctrl). Also what AMD and Arm call so.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cgroups/resctrl_groups.hpp"
#include "spec/linux.hpp"
#include "spec/stats.hpp"

namespace ocx::cgroups {

/// Directories of resctrl come and go with the kernel's files in them. Each returns 0 or errno.
struct ResctrlDirectories {
  std::function<int(const std::string&path)> make, remove;
  static ResctrlDirectories kernels();
};

/// The mount point of resctrl in the runtime's mount namespace: /sys/fs/resctrl, or from the mount table.
/// Error (unsupported): it is not mounted.
std::string find_resctrl();
/// Mount point of the first resctrl of a /proc/self/mountinfo, "" without one. Pure.
std::string resctrl_mount_point(std::string_view mountinfo);

/// One container's groups while they are made.
class ResctrlSetup {
 public:
  /// Looks, and changes nothing. Errors, with the setting's origin: a CLOS that has to exist does not; its
  /// schemata differ from those asked for; the monitoring group exists.
  ResctrlSetup(std::string root, const std::string& id, const spec::IntelRdt& rdt,
               ResctrlDirectories directories = ResctrlDirectories::kernels());

  /// Known before anything is made, so that a record of it can be.
  const ResctrlGroups& groups() const { return groups_; }
  /// Makes what is missing and writes l3CacheSchema, memBwSchema and schemata, in that order. Errors carry
  /// the kernel's own words; undo() is the caller's.
  void create();
  /// For a create that fails: removes what was made, puts back what an existing CLOS had.
  void undo();

 private:
  void inspect_existing();
  void make_monitor();
  void write_schemata();

  spec::IntelRdt rdt_;
  ResctrlDirectories directories_;
  ResctrlGroups groups_;
  bool exists_ = false;  // the CLOS, before
  bool made_clos_ = false, made_monitor_ = false;
  std::string former_;  // schemata of an existing CLOS that were overwritten
};

/// Puts a process (id in the caller's pid namespace) into the groups; its children inherit them. No groups:
/// nothing.
void join_resctrl(const ResctrlGroups& groups, int pid);

/// Removes the monitoring group and then the CLOS, those that were made for the container. What is gone
/// already is fine.
void remove_resctrl(const ResctrlGroups& groups,
                    const ResctrlDirectories& directories = ResctrlDirectories::kernels());

/// New schemata of a running container's CLOS. Restores the former ones when the second is refused, and by
/// undo().
class ResctrlUpdate {
 public:
  /// Writes those given (l3 first). Errors: the property of linux.intelRdt as origin.
  ResctrlUpdate(const ResctrlGroups& groups, const std::optional<std::string>& l3_cache_schema,
                const std::optional<std::string>& mem_bw_schema);
  void undo();

 private:
  ResctrlGroups groups_;
  std::string former_;
};

/// Hardware limits, schemata in force, and counters where the kernel has them.
spec::IntelRdtStats read_resctrl_stats(const ResctrlGroups& groups);

/// Whether the schemata asked for are those of `found`, a schemata file: numerically, and for those resources
/// and domains only that `asked` names. `bandwidth_step`: the kernel rounds MB values up to it. Pure.
bool schemata_agree(std::string_view asked, std::string_view found, unsigned bandwidth_step = 1);

}  // namespace ocx::cgroups
