#include "sys/root_path.hpp"

#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include "sys/error.hpp"
#include "sys/inode.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr int kMaxLinks = 40;   // the kernel's MAXSYMLINKS
constexpr int kMaxRaces = 128;  // tries before a racing process is left to win (and gets an error)
constexpr ino_t kProcRootInode = 1;

// One walk from the root to a path, holding a descriptor of each directory it is below.
class Walk {
 public:
  Walk(FdRef root, std::optional<mode_t> make) : root_(root), make_(make) {}

  FdResult open(const std::string& path, int flags, mode_t mode);

 private:
  FdRef top() const { return held_.empty() ? root_ : held_.back().ref(); }
  void push_path(std::string_view path);
  int descend(const std::string& name);
  int expand_link(FdRef link);
  int enter_other(const std::string& name);
  FdResult open_last(const std::string& name, int flags, mode_t mode);
  FdResult open_top(int flags);

  FdRef root_;
  std::optional<mode_t> make_;
  std::vector<UniqueFd> held_;
  std::vector<std::string> rest_;  // components still to go, the next one last
  int links_ = 0;
};

FdResult Walk::open_top(int flags) {
  flags &= ~(O_NOFOLLOW | O_CREAT | O_EXCL);
  const bool held_will_do = (flags & ~(O_DIRECTORY | O_CLOEXEC)) == O_PATH && !held_.empty();
  if (held_will_do) return {std::move(held_.back()), 0};
  return try_openat(top(), ".", flags);
}

void Walk::push_path(std::string_view path) {
  std::vector<std::string> parts = split(path, '/');
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    if (!part->empty() && *part != ".") rest_.push_back(std::move(*part));
}

// A link's text is resolved from the directory it lies in, or from the root: it can't lead out. Links of a
// procfs jump to objects instead of names, except the few in its root directory ("self", "mounts", …).
int Walk::expand_link(FdRef link) {
  if (++links_ > kMaxLinks) return ELOOP;
  struct ::statfs info {};
  if (::fstatfs(link.raw(), &info) != 0) return errno;
  if (info.f_type == PROC_SUPER_MAGIC && fstat(top()).st_ino != kProcRootInode) return ELOOP;
  std::string text(PATH_MAX, '\0');
  ssize_t length = ::readlinkat(link.raw(), "", text.data(), text.size());
  if (length <= 0) return length < 0 ? errno : ENOENT;
  text.resize(static_cast<std::size_t>(length));
  if (text.front() == '/') held_.clear();
  push_path(text);
  return 0;
}

// The component is no directory: a link to expand, or the end of the way.
int Walk::enter_other(const std::string& name) {
  FdResult link = try_openat(top(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (!link) return link.error_number == ENOENT ? EAGAIN : link.error_number;
  mode_t type = fstat(link.fd).st_mode & S_IFMT;
  if (type == S_IFLNK) return expand_link(link.fd);
  return type == S_IFDIR ? EAGAIN : ENOTDIR;  // a directory now: it was exchanged in between
}

int Walk::descend(const std::string& name) {
  if (name == "..") {
    if (!held_.empty()) held_.pop_back();
    return 0;
  }
  const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  FdResult next = try_openat(top(), name, flags);
  if (next.error_number == ENOENT && make_) {
    int error = try_mkdirat(top(), name, *make_);
    if (error != 0 && error != EEXIST) return error;
    next = try_openat(top(), name, flags);
  }
  if (next.error_number == ENOTDIR || next.error_number == ELOOP) return enter_other(name);
  if (!next) return next.error_number;
  held_.push_back(std::move(next.fd));
  return 0;
}

FdResult Walk::open_last(const std::string& name, int flags, mode_t mode) {
  if (make_ && (flags & O_PATH) != 0 && (flags & O_CREAT) != 0) {
    int error = try_mknodat(top(), name, S_IFREG | mode, 0);
    if (error != 0 && error != EEXIST) return {UniqueFd(), error};
    flags &= ~O_CREAT;
  }
  FdResult last = try_openat(top(), name, flags | O_NOFOLLOW, mode);
  if ((flags & (O_NOFOLLOW | O_EXCL)) != 0) return last;
  // O_PATH | O_NOFOLLOW opens a link itself, with O_DIRECTORY that is ENOTDIR; without O_PATH it is ELOOP.
  const bool plain_path = (flags & O_PATH) != 0 && (flags & O_DIRECTORY) == 0;
  const int error = last.error_number;
  if (last ? !plain_path : (error != ELOOP && error != ENOTDIR)) return last;
  FdResult link = last ? std::move(last) : try_openat(top(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (!link) return {UniqueFd(), link.error_number == ENOENT ? EAGAIN : link.error_number};
  if (S_ISLNK(fstat(link.fd).st_mode)) return {UniqueFd(), expand_link(link.fd)};
  if (plain_path) return link;
  return {UniqueFd(), error == ELOOP ? EAGAIN : error};
}

FdResult Walk::open(const std::string& path, int flags, mode_t mode) {
  if (path.empty()) return {UniqueFd(), ENOENT};
  const bool directory_wanted = path.back() == '/' || (flags & O_DIRECTORY) != 0;
  if (path.back() == '/') flags = (flags | O_DIRECTORY) & ~O_NOFOLLOW;
  push_path(path);
  while (!rest_.empty()) {
    std::string name = std::move(rest_.back());
    rest_.pop_back();
    const bool to_make = make_ && directory_wanted && (flags & O_NOFOLLOW) == 0;
    if (!rest_.empty() || name == ".." || to_make) {
      if (int error = descend(name); error != 0) return {UniqueFd(), error};
      continue;
    }
    if (make_ && directory_wanted) {
      int error = try_mkdirat(top(), name, *make_);
      if (error != 0 && error != EEXIST) return {UniqueFd(), error};
    }
    FdResult last = open_last(name, flags, mode);
    if (last.error_number != 0 || last.fd) return last;
  }
  return open_top(flags);
}

FdResult open_by_kernel(FdRef root, const std::string& path, int flags, mode_t mode) {
  struct ::open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int i = 0;; ++i) {
    long fd = ::syscall(SYS_openat2, root.raw(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
    if ((errno != EAGAIN && errno != EINTR) || i == kMaxRaces) return {UniqueFd(), errno};
  }
}

std::pair<std::string, std::string> split_last(const std::string& path) {
  std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return {};
  std::size_t slash = path.find_last_of('/', end);
  std::string name =
      slash == std::string::npos ? path.substr(0, end + 1) : path.substr(slash + 1, end - slash);
  return {slash == std::string::npos ? "" : path.substr(0, slash + 1), std::move(name)};
}

// mknodat and O_PATH, not O_CREAT: whatever a racing process puts there is never really opened.
UniqueFd make_file_in_root(FdRef root, const std::string& path, bool nofollow) {
  const int flags = O_PATH | O_CREAT | (nofollow ? O_NOFOLLOW : 0);
  FdResult file = walk_in_root(root, path, flags, 0644, 0755);
  if (!file) throw_errno("make file " + quote(path) + " in the root file system", file.error_number);
  return std::move(file.fd);
}

}  // namespace

FdResult walk_in_root(FdRef root, const std::string& path, int flags, mode_t mode,
                      std::optional<mode_t> make_directories) {
  FdResult result;
  std::optional<ScopedUmask> exact;  // the container's users have to get through, whatever the caller's umask
  if (make_directories) exact.emplace(0);
  for (int i = 0; i < kMaxRaces; ++i) {
    result = Walk(root, make_directories).open(path, flags | O_CLOEXEC, mode);
    if (result.error_number != EAGAIN) return result;
  }
  return result;
}

FdResult try_open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  FdResult result = open_by_kernel(root, path, flags, mode);
  // ENOSYS before Linux 5.6, EPERM from an outer container's seccomp profile. EAGAIN: somebody renames
  // without pause, which must not keep the container from being made; the walk does not depend on the
  // kernel's rename lock.
  if (result.error_number == ENOSYS || result.error_number == EPERM || result.error_number == EAGAIN)
    return walk_in_root(root, path, flags, mode);
  return result;
}

UniqueFd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  FdResult result = try_open_in_root(root, path, flags, mode);
  if (!result) throw_errno("open " + quote(path) + " in the root file system", result.error_number);
  return std::move(result.fd);
}

UniqueFd make_directories_in_root(FdRef root, const std::string& path, mode_t mode) {
  const int flags = O_PATH | O_DIRECTORY;
  FdResult result = try_open_in_root(root, path, flags);
  if (result.error_number == ENOENT) result = walk_in_root(root, path, flags, 0, mode);
  if (!result) throw_errno("make directory " + quote(path) + " in the root file system", result.error_number);
  return std::move(result.fd);
}

UniqueFd open_mount_target(FdRef root, const std::string& path, bool file, bool nofollow) {
  const int flags = O_PATH | (nofollow ? O_NOFOLLOW : 0) | (file ? 0 : O_DIRECTORY);
  FdResult result = try_open_in_root(root, path, flags);
  if (result.error_number == ENOENT) {
    if (file) return make_file_in_root(root, path, nofollow);
    result = walk_in_root(root, path, flags, 0, 0755);
  }
  if (!result) throw_errno("open mount point " + quote(path), result.error_number);
  return std::move(result.fd);
}

Parent open_parent_in_root(FdRef root, const std::string& path) {
  auto [directory, name] = split_last(path);
  if (name.empty() || name == "." || name == "..")
    throw Error("path " + quote(path) + " does not name a file in a directory");
  if (directory.empty()) directory = "/";
  return {make_directories_in_root(root, directory), std::move(name)};
}

}  // namespace ocx::sys
