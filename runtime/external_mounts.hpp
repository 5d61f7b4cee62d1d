// Mounts whose content belongs to the host: bind mounts, host devices, file masks. criu leaves them out of an
// image and is told on restore what to bind there instead. An image knows each by the destination in
// config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cgroups/manager.hpp"
#include "runtime/plan.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

struct ExternalMount {
  std::string name;    // destination as config.json has it, cleaned
  std::string source;  // path of the host
  bool mask = false;   // a masked path: external only where that is a file
};

/// One line of proc_pid_mountinfo(5).
struct MountEntry {
  int id = 0;
  std::string device;  // "8:1"
  std::string path;    // in the root of the process
  std::string type;    // of the file system
};

/// A mount point of the container's, where it has to be on restore: in its own root file system, or in what
/// is bound.
struct MountPoint {
  std::string base;    // path of the host
  std::string path;    // below it, absolute; empty: base itself
  std::string source;  // of a bind; empty: a directory is wanted
};

/// What this plan mounts from the host. Pure.
std::vector<ExternalMount> external_mounts(const Plan& plan);
/// Mount points that images on their own don't have, in the order of the mounts. Pure.
std::vector<MountPoint> mount_points(const Plan& plan);
/// Lines that are not of their form are skipped. Pure.
std::vector<MountEntry> parse_mount_entries(std::string_view mountinfo);

/// For a dump of init: `mnt[PATH]:NAME` for each of those mounts that is there, and each mount of the host's
/// below it.
std::vector<std::string> dump_externals(const sys::Procfs& proc, int pid, const Plan& plan);
/// For a restore: `mnt[NAME]:SOURCE` for all that could have been there. `cgroups` are the container's
/// directories.
std::vector<std::string> restore_externals(const sys::Procfs& proc, const Plan& plan,
                                           const cgroups::Paths& cgroups);
/// Makes the missing ones of mount_points() in the host's directories.
void make_mount_points(const Plan& plan);

}  // namespace ocx::runtime
