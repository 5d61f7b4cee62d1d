// The kinds of step::Mount, one file each; execute(step::Mount) in mount.cpp chooses.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// Where the container's root goes. Where root.path itself is closed to init (a user namespace and a private
/// directory above) that is on top of "/": the pivot takes everything else away in any case.
struct RootPlace {
  std::string path;       // of the place, in init's mount namespace
  sys::UniqueFd target;   // the place
  sys::UniqueFd content;  // root.path, where a file system begins with a copy of it; else nothing
  /// What is mounted there by now.
  sys::UniqueFd reopen() const;
};
/// step::MountRoot: mounts what `mount` says at the place, and returns it.
sys::UniqueFd mount_root_filesystem(InitContext& context, const step::Mount& mount,
                                    const RootPlace& place);  // filesystem_mount.cpp
/// The same overlay with names for its directories that lead through descriptors of the parent's, for an init
/// that may not search the directories above (EACCES). They are names below the trusted procfs (InProcfs), as
/// long as `held` lives.
step::Mount through_parent(InitContext& context, const step::Mount& overlay, const RootPlace& place,
                           std::vector<sys::UniqueFd>& held);  // overlay_directories.cpp
sys::UniqueFd bind_root(InitContext& context, const step::Mount& mount,
                        const RootPlace& place);  // bind_mount.cpp

void mount_filesystem(InitContext& context, const step::Mount& mount);  // filesystem_mount.cpp
void mount_sysfs(InitContext& context, const step::Mount& mount);       // sysfs_mount.cpp
void mount_bind(InitContext& context, const step::Mount& mount);        // bind_mount.cpp
void mount_cgroup(InitContext& context, const step::Mount& mount);      // cgroup_mount.cpp
void remount(InitContext& context, const step::Mount& mount);           // remount.cpp

/// `mount "tmpfs" on "/run"`: the beginning of every error of a mount.
std::string mount_label(const step::Mount& mount);
/// Error with the label, what went wrong, and the mount's origin.
Error mount_error(const step::Mount& mount, const std::string& what, int error_number);
/// The option of `mount` that the kernel refused; `words` is what its fs context log says.
Error option_error(const step::Mount& mount, const spec::MountOptions::Data& option, const std::string& words,
                   int error_number);

/// The mount point in the root, made when absent. Refuses what lies in a procfs (CVE-2019-16884), and for
/// proc and sysfs anything but a directory (CVE-2019-19921).
sys::UniqueFd open_target(const InitContext& context, const step::Mount& mount, bool file);
/// Refuses a bind of anything but a procfs on /proc, and anything on what is in a procfs except the files
/// engines emulate.
void check_place(const step::Mount& mount, sys::FdRef target, std::optional<sys::FdRef> bind_source);
/// Attaches a detached mount to its mount point.
void attach(const step::Mount& mount, sys::FdRef tree, sys::FdRef target);
/// Sets the propagation options on the attached mount, in the order given: an attached mount may have become
/// a peer of its parent's peers, so this can't be done before.
void apply_propagation(const InitContext& context, const step::Mount& mount, sys::FdRef attached);

/// Opens the mount just made at `mount.target`, where mount(2) gave no descriptor of it; `covered` is the
/// mount point below it. Error when that is not what is found there (somebody exchanged a directory
/// meanwhile).
sys::UniqueFd reopen_target(const InitContext& context, const step::Mount& mount, sys::FdRef covered);

/// Attributes for a new mount: the recursive ones win, as they would when set afterwards.
std::uint64_t new_attributes(const step::Mount& mount);
/// A new file system of mount.type, mounted but attached nowhere. Nothing when the kernel (before Linux 5.2)
/// or an option has need of mount(2). `mode` is given to a tmpfs.
std::optional<sys::UniqueFd> make_filesystem(const step::Mount& mount, std::uint64_t attributes,
                                             std::optional<mode_t> mode = std::nullopt);
/// A detached clone of a tree, asked of the parent where init itself may not go. Nothing when the kernel
/// lacks open_tree (before Linux 5.2).
std::optional<sys::UniqueFd> clone_source(InitContext& context, const step::Mount& mount,
                                          const std::string& source, bool recursive);

}  // namespace ocx::runtime
