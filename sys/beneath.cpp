#include "sys/beneath.hpp"

#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <cerrno>
#include <utility>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr int directory_flags = O_PATH | O_DIRECTORY;

/// "a/b/c" -> {"a/b", "c"}.
std::pair<std::string, std::string> split_last(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

int of_link(int error_number, FdRef directory, const std::string& name) {
  if (error_number != ENOTDIR) return error_number;
  const auto info = fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
  return info && S_ISLNK(info->st_mode) ? ELOOP : ENOTDIR;
}

FdResult open_component(FdRef directory, const std::string& name, int flags, mode_t mode) {
  if (name == "..") return {UniqueFd(), EXDEV};
  FdResult result = try_openat(directory, name, flags | O_NOFOLLOW, mode);
  if (!result) result.error_number = of_link(result.error_number, directory, name);
  return result;
}

FdResult walk_beneath(FdRef root, const std::string& path, int flags, mode_t mode) {
  if (path.empty() || path.front() == '/') return {UniqueFd(), path.empty() ? ENOENT : EXDEV};
  const auto parts = split(path, '/');
  UniqueFd held;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    FdResult next = open_component(held ? held.ref() : root, parts[i], directory_flags, 0);
    if (!next) return next;
    held = std::move(next.fd);
  }
  return open_component(held ? held.ref() : root, parts.back(), flags, mode);
}

}  // namespace

FdResult try_open_beneath(FdRef root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  for (int left = 128;; --left) {
    const long fd = ::syscall(SYS_openat2, root.raw(), path.c_str(), &how, sizeof(how));
    if (fd >= 0) return {UniqueFd(static_cast<int>(fd)), 0};
    if (left == 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  // ENOSYS before Linux 5.6, EPERM from an outer container's seccomp profile.
  if (errno == ENOSYS || errno == EPERM) return walk_beneath(root, path, flags, mode);
  return {UniqueFd(), errno};
}

FdResult try_make_beneath(FdRef root, const std::string& path, mode_t mode) {
  FdResult result = try_open_beneath(root, path, directory_flags);
  if (result.error_number != ENOENT) return result;
  const auto [parent, name] = split_last(path);
  FdResult above =
      parent.empty() ? try_openat(root, ".", directory_flags) : try_make_beneath(root, parent, mode);
  if (!above) return above;
  if (const int error = try_mkdirat(above.fd, name, mode); error != 0 && error != EEXIST)
    return {UniqueFd(), error};
  return open_component(above.fd, name, directory_flags, 0);
}

int try_linkat(FdRef from, const std::string& from_name, FdRef to, const std::string& to_name) {
  return ::linkat(from.raw(), from_name.c_str(), to.raw(), to_name.c_str(), 0) == 0 ? 0 : errno;
}

int try_renameat(FdRef from, const std::string& from_name, FdRef to, const std::string& to_name) {
  return ::renameat(from.raw(), from_name.c_str(), to.raw(), to_name.c_str()) == 0 ? 0 : errno;
}

std::optional<std::string> read_xattr(FdRef fd, const std::string& name) {
  ssize_t size = ::fgetxattr(fd.raw(), name.c_str(), nullptr, 0);
  if (size < 0) return std::nullopt;
  std::string value(static_cast<std::size_t>(size), '\0');
  size = ::fgetxattr(fd.raw(), name.c_str(), value.data(), value.size());
  if (size < 0) return std::nullopt;
  value.resize(static_cast<std::size_t>(size));
  return value;
}

int try_chownat(FdRef directory, const std::string& name, uid_t uid, gid_t gid) {
  return ::fchownat(directory.raw(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

int try_set_timeat(FdRef directory, const std::string& name, const struct ::timespec& time) {
  const struct ::timespec times[2] = {time, time};
  return ::utimensat(directory.raw(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

void set_time(FdRef fd, const struct ::timespec& time) {
  const struct ::timespec times[2] = {time, time};
  if (::futimens(fd.raw(), times) != 0) throw_errno("futimens");
}

void write_all_at(FdRef fd, std::string_view data, off_t offset) {
  while (!data.empty()) {
    const ssize_t written = ::pwrite(fd.raw(), data.data(), data.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("write");
    data.remove_prefix(static_cast<std::size_t>(written));
    offset += written;
  }
}

void truncate(FdRef fd, off_t size) {
  if (::ftruncate(fd.raw(), size) != 0) throw_errno("ftruncate to " + std::to_string(size) + " bytes");
}

void rewind(FdRef fd) {
  if (::lseek(fd.raw(), 0, SEEK_SET) != 0) throw_errno("lseek to the beginning");
}

bool next_data(FdRef fd, off_t& begin, off_t& end) {
  const off_t data = ::lseek(fd.raw(), end, SEEK_DATA);
  if (data < 0 && errno == ENXIO) return false;
  if (data < 0) throw_errno("lseek to data");
  begin = data;
  end = ::lseek(fd.raw(), data, SEEK_HOLE);
  if (end < 0) throw_errno("lseek to a hole");
  return true;
}

std::string read_at(FdRef fd, std::size_t size, off_t offset) {
  std::string data(size, '\0');
  ssize_t got = -1;
  while ((got = ::pread(fd.raw(), data.data(), size, offset)) < 0 && errno == EINTR) {
  }
  if (got < 0) throw_errno("read");
  data.resize(static_cast<std::size_t>(got));
  return data;
}

}  // namespace ocx::sys
