#include "runtime/tmpcopyup.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// Two descriptors a level; a hostile image must not exhaust them, nor the stack.
constexpr int kMaxDepth = 128;

void copy_directory(sys::FdRef from, sys::FdRef to, int depth);

// A tmpfs has no place for some attributes (user.* before Linux 6.6), a user namespace no right to others.
void copy_xattrs(sys::FdRef from, sys::FdRef to) {
  for (const std::string& name : sys::list_xattrs(from)) {
    int error = sys::try_copy_xattr(from, to, name);
    if (error != 0 && error != EOPNOTSUPP && error != EPERM && error != ENODATA)
      throw_errno("fsetxattr " + sys::quote(name), error);
  }
}

// Owner before mode (chown drops the set-id bits), attributes after owner (it drops file capabilities), times
// last.
void copy_metadata(sys::FdRef to, const struct ::stat& like) {
  sys::chown_descriptor(to, like.st_uid, like.st_gid);
  if (!S_ISLNK(like.st_mode)) sys::chmod_descriptor(to, like.st_mode & 07777);
}

sys::UniqueFd open_made(sys::FdRef directory, const std::string& name) {
  return sys::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

void copy_file(sys::FdRef from, sys::FdRef to, const std::string& name) {
  // O_NONBLOCK: should the file have become a FIFO since it was looked at, this does not hang.
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  sys::UniqueFd source = sys::openat(from, name, flags);
  const struct ::stat info = sys::fstat(source);
  if (!S_ISREG(info.st_mode)) throw Error(sys::quote(name) + " was exchanged meanwhile");
  sys::UniqueFd copy = sys::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  sys::copy_content(source, copy);
  copy_metadata(copy, info);
  copy_xattrs(source, copy);
  sys::try_set_times(copy, info);
}

void copy_subdirectory(sys::FdRef from, sys::FdRef to, const std::string& name, int depth) {
  sys::UniqueFd source = sys::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const struct ::stat info = sys::fstat(source);
  sys::mkdirat(to, name, 0700);
  sys::UniqueFd copy = sys::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  copy_directory(source, copy, depth + 1);
  copy_metadata(copy, info);
  copy_xattrs(source, copy);
  sys::try_set_times(copy, info);
}

void copy_special(sys::FdRef from, sys::FdRef to, const std::string& name, const struct ::stat& info) {
  if (S_ISLNK(info.st_mode))
    sys::symlinkat(sys::readlinkat(from, name), to, name);
  else
    sys::mknodat(to, name, info.st_mode & (S_IFMT | 07777), info.st_rdev);
  sys::UniqueFd copy = open_made(to, name);
  copy_metadata(copy, info);
  sys::try_set_times(copy, info);
}

void copy_entry(sys::FdRef from, sys::FdRef to, const std::string& name, int depth) {
  const std::optional<struct ::stat> info = sys::fstatat(from, name, AT_SYMLINK_NOFOLLOW);
  if (!info) return;  // removed since the directory was read
  if (S_ISDIR(info->st_mode))
    copy_subdirectory(from, to, name, depth);
  else if (S_ISREG(info->st_mode))
    copy_file(from, to, name);
  else
    copy_special(from, to, name, *info);
}

void copy_directory(sys::FdRef from, sys::FdRef to, int depth) {
  if (depth > kMaxDepth)
    throw_errno("copy a directory " + std::to_string(kMaxDepth) + " levels deep", ENAMETOOLONG);
  for (const std::string& name : sys::list_directory(from)) try {
      copy_entry(from, to, name, depth);
    } catch (Error& error) {
      throw error.in(depth == 0 ? "tmpcopyup of " + sys::quote(name) : "in " + sys::quote(name));
    }
}

}  // namespace

void copy_up(sys::FdRef covered, sys::FdRef root, const SettledMetadata& settled) {
  sys::UniqueFd from = sys::openat(covered, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  sys::UniqueFd to = sys::openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const struct ::stat info = sys::fstat(from);
  copy_directory(from, to, 0);
  const uid_t unchanged = static_cast<uid_t>(-1);
  sys::chown_descriptor(to, settled.uid ? unchanged : info.st_uid, settled.gid ? unchanged : info.st_gid);
  if (!settled.mode) sys::chmod_descriptor(to, info.st_mode & 07777);
  copy_xattrs(from, to);
  sys::try_set_times(to, info);
}

}  // namespace ocx::runtime
