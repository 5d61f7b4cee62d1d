// Paths below a directory in which no symbolic link is followed, for what unpacks archives: openat2(2) with
// RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, one component at a time where the kernel lacks it (before 5.6).
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// Opens a path of plain names below `root`. ELOOP: a component is a symbolic link (the last one, too, unless
/// flags have O_PATH | O_NOFOLLOW); EXDEV: "..", an absolute path.
FdResult try_open_beneath(FdRef root, const std::string& path, int flags, mode_t mode = 0);
/// Opens the directory, and makes what is missing of it with that mode. ENOTDIR or ELOOP where something else
/// is in the way.
FdResult try_make_beneath(FdRef root, const std::string& path, mode_t mode);

/// linkat(2) without following `from_name`. 0 or errno.
int try_linkat(FdRef from, const std::string& from_name, FdRef to, const std::string& to_name);
/// renameat(2). 0 or errno.
int try_renameat(FdRef from, const std::string& from_name, FdRef to, const std::string& to_name);
/// The value of an extended attribute of an open file; nothing when it has none of that name.
std::optional<std::string> read_xattr(FdRef fd, const std::string& name);
/// Owner of the entry itself. 0 or errno.
int try_chownat(FdRef directory, const std::string& name, uid_t uid, gid_t gid);
/// Modification (and access) time of the entry itself. 0 or errno.
int try_set_timeat(FdRef directory, const std::string& name, const struct ::timespec& time);

/// The same of an open file. Times that the file system can't have become the nearest that it can.
void set_time(FdRef fd, const struct ::timespec& time);

/// pwrite(2) of everything.
void write_all_at(FdRef fd, std::string_view data, off_t offset);
void truncate(FdRef fd, off_t size);
/// Back to the beginning.
void rewind(FdRef fd);
/// Where data begins at or after `offset`, and where it ends (SEEK_DATA, SEEK_HOLE). False: no more.
bool next_data(FdRef fd, off_t& begin, off_t& end);
/// pread(2), as much as there is up to `size`.
std::string read_at(FdRef fd, std::size_t size, off_t offset);

}  // namespace ocx::sys
