// Files and directories, always relative to a directory descriptor. Throwing calls name the call and its
// path; the try_ form returns errno where the caller branches on it. Descriptors are made O_CLOEXEC.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

/// A descriptor or the errno that came instead.
struct FdResult {
  UniqueFd fd;
  int error_number = 0;
  explicit operator bool() const { return error_number == 0; }
};

UniqueFd openat(FdRef directory, const std::string& path, int flags, mode_t mode = 0);
FdResult try_openat(FdRef directory, const std::string& path, int flags, mode_t mode = 0);

/// Whole content, at most `limit` bytes (an error beyond: nothing of ocx's is larger).
std::string read_all(FdRef fd, std::size_t limit = 16U << 20U);
std::string read_file(FdRef directory, const std::string& path, std::size_t limit = 16U << 20U);
/// Like read_file; nothing when the file is absent (ENOENT).
std::optional<std::string> read_file_if_any(FdRef directory, const std::string& path,
                                            std::size_t limit = 16U << 20U);
void write_all(FdRef fd, std::string_view data);
/// One write(2) to an existing file (procfs, cgroupfs): these take a value whole or not at all.
void write_file(FdRef directory, const std::string& path, std::string_view value);
int try_write_file(FdRef directory, const std::string& path, std::string_view value);  // 0 or errno
/// The same to an open file. 0 or errno.
int try_write(FdRef fd, std::string_view value);
/// Replaces `name` in `directory` atomically: `.name.XXXX` made exclusively beside it, written, renamed.
void replace_file(FdRef directory, const std::string& name, std::string_view data, mode_t mode);

void mkdirat(FdRef directory, const std::string& path, mode_t mode);
int try_mkdirat(FdRef directory, const std::string& path, mode_t mode);  // 0 or errno
void unlinkat(FdRef directory, const std::string& path, int flags = 0);
int try_unlinkat(FdRef directory, const std::string& path, int flags = 0);
struct ::stat fstat(FdRef fd);
/// Nothing when the path is absent.
std::optional<struct ::stat> fstatat(FdRef directory, const std::string& path, int flags = 0);
std::string readlinkat(FdRef directory, const std::string& path);
/// Names in a directory, without "." and "..", unsorted.
std::vector<std::string> list_directory(FdRef directory);
/// Makes a host path and its parents; existing ones keep their mode.
void make_directories(const std::string& path, mode_t mode);
/// The current directory, absolute.
std::string current_directory();
/// statfs(2) f_type.
long filesystem_type(FdRef fd);
/// A path leads to a file system of that type that is mounted writable.
bool is_writable_filesystem(const std::string& path, long type);
/// "/proc/self/fd/N": for calls that take only a path.
std::string descriptor_path(FdRef fd);

}  // namespace ocx::sys
