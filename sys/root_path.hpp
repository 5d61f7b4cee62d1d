// Paths inside a rootfs an attacker may be writing to: always (root descriptor, path), resolved by
// openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), component by component where the kernel lacks it
// (before 5.6).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// Opens a path inside `root`; symlinks stay inside. EAGAIN (a rename raced) is retried a bounded number of
/// times.
FdResult try_open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);
/// What try_open_in_root does where openat2 is missing or a racing rename keeps it from an answer: O_PATH |
/// O_NOFOLLOW for each component, ".." from held descriptors (never the kernel's), links expanded inside the
/// root, at most 40 of them. With `make_directories` missing directories are made with that mode (the last
/// component too, when flags have O_DIRECTORY).
FdResult walk_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0,
                      std::optional<mode_t> make_directories = std::nullopt);
UniqueFd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);
/// Opens the directory, making what is missing (0755) one component at a time below held descriptors
/// (CVE-2024-45310). A dangling symlink is followed inside the root.
UniqueFd make_directories_in_root(FdRef root, const std::string& path, mode_t mode = 0755);
/// Opens an O_PATH descriptor for a mount target: a directory, or with `file` an empty regular file, made
/// when absent.
UniqueFd open_mount_target(FdRef root, const std::string& path, bool file, bool nofollow = false);
/// The directory of the last component (made when absent), and that component.
struct Parent {
  UniqueFd directory;
  std::string name;
};
Parent open_parent_in_root(FdRef root, const std::string& path);

}  // namespace ocx::sys
