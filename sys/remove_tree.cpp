#include "sys/remove_tree.hpp"

#include <linux/openat2.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

/// Without openat2(2) (before Linux 5.6, or refused by an old seccomp profile) only another file system is
/// seen as a mount.
FdResult open_same_device(FdRef parent, const std::string& name) {
  FdResult directory = try_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory && fstat(directory.fd).st_dev != fstat(parent).st_dev) return {UniqueFd(), EXDEV};
  return directory;
}

FdResult open_directory(FdRef parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const long fd = ::syscall(SYS_openat2, parent.raw(), name.c_str(), &how, sizeof(how));
  if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
  if (errno == ENOSYS || errno == EPERM) return open_same_device(parent, name);
  return {UniqueFd(), errno};
}

/// An archive's modes may have closed a tree of the user's own to him.
void make_removable(FdRef parent, const std::string& name) {
  if (::geteuid() == 0) return;
  const FdResult directory = try_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!directory) return;
  const struct ::stat info = fstat(directory.fd);
  if (info.st_uid == ::geteuid() && (info.st_mode & S_IRWXU) != S_IRWXU)
    chmod_descriptor(directory.fd, (info.st_mode & 07777) | S_IRWXU);
}

/// False: it is a directory.
bool remove_file(FdRef parent, const std::string& name) {
  const int error_number = try_unlinkat(parent, name);
  if (error_number == 0 || error_number == ENOENT) return true;
  // unlink(2): EISDIR, or EPERM as POSIX has it.
  if (error_number == EISDIR || error_number == EPERM) return false;
  throw_errno("unlink " + quote(name), error_number);
}

UniqueFd open_to_empty(FdRef parent, const std::string& name) {
  make_removable(parent, name);
  FdResult directory = open_directory(parent, name);
  if (!directory) throw_errno("open directory " + quote(name), directory.error_number);
  return std::move(directory.fd);
}

void remove_empty(FdRef parent, const std::string& name) {
  const int error_number = try_unlinkat(parent, name, AT_REMOVEDIR);
  if (error_number != 0 && error_number != ENOENT) throw_errno("rmdir " + quote(name), error_number);
}

/// Removes what is in one directory. Deep trees need neither stack nor descriptors for it: what lies deeper
/// than max_depth is moved up first.
class Removal {
 public:
  explicit Removal(FdRef top) : top_(top) {}

  void run() {
    do {
      moved_up_ = false;
      remove_children(top_, max_depth);
    } while (moved_up_);
  }

 private:
  static constexpr int max_depth = 64;

  void remove_children(FdRef directory, int depth) {
    for (const std::string& child : list_directory(directory)) remove_entry(directory, child, depth);
  }

  void remove_entry(FdRef parent, const std::string& name, int depth) {
    if (remove_file(parent, name)) return;
    if (depth == 0) return move_up(parent, name);
    const UniqueFd directory = open_to_empty(parent, name);
    remove_children(directory, depth - 1);
    remove_empty(parent, name);
  }

  void move_up(FdRef parent, const std::string& name) {
    make_removable(parent, name);
    int result = -1;
    do {
      const std::string free_name = ".removed-" + std::to_string(number_++);
      result = ::renameat2(parent.raw(), name.c_str(), top_.raw(), free_name.c_str(), RENAME_NOREPLACE);
    } while (result != 0 && errno == EEXIST);
    if (result != 0) throw_errno("rename " + quote(name));
    moved_up_ = true;
  }

  FdRef top_;
  bool moved_up_ = false;
  unsigned number_ = 0;
};

}  // namespace

void remove_tree(FdRef parent, const std::string& name) {
  if (remove_file(parent, name)) return;
  const UniqueFd directory = open_to_empty(parent, name);
  Removal(directory).run();
  remove_empty(parent, name);
}

}  // namespace ocx::sys
