// The option tmpcopyup: a new tmpfs begins with the content of the directory it covers.
#pragma once

#include "sys/fd.hpp"

namespace ocx::runtime {

/// What the mount's own options already settle for the root of the tmpfs.
struct SettledMetadata {
  bool mode = false, uid = false, gid = false;
};

/// Copies everything in `covered` (O_PATH is enough) to `root`: all types, owner, mode, times, extended
/// attributes. Follows no link, opens nothing but regular files and directories (the image is not trusted).
/// Error ENAMETOOLONG beyond 128 levels.
void copy_up(sys::FdRef covered, sys::FdRef root, const SettledMetadata& settled);

}  // namespace ocx::runtime
