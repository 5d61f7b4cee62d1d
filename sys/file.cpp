#include "sys/file.hpp"

#include <dirent.h>
#include <linux/limits.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

/// Repeats a call that a signal handler interrupted. Never for close(2).
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

int errno_of(int result) {
  return result < 0 ? errno : 0;
}

[[noreturn]] void throw_too_large(std::size_t limit) {
  throw Error("read: content is larger than " + std::to_string(limit) + " bytes");
}

/// One write(2), whole or an errno; a short one is EIO.
int write_once(FdRef fd, std::string_view value) {
  const auto written = retry([&] { return ::write(fd.raw(), value.data(), value.size()); });
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == value.size() ? 0 : EIO;
}

std::string temporary_name(const std::string& name) {
  static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
  std::array<unsigned char, 8> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw_errno("getrandom");
  std::string result = "." + name + ".";
  for (const unsigned char byte : random) result += digits[byte % 32];
  return result;
}

struct Temporary {
  std::string name;
  UniqueFd fd;
};

Temporary make_temporary(FdRef directory, const std::string& name, mode_t mode) {
  for (int attempt = 0;; ++attempt) {
    Temporary made{temporary_name(name), {}};
    FdResult opened = try_openat(directory, made.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (opened) return {std::move(made.name), std::move(opened.fd)};
    if (opened.error_number != EEXIST || attempt == 100)
      throw_errno("create " + quote(made.name), opened.error_number);
  }
}

void rename_in(FdRef directory, const std::string& from, const std::string& to) {
  if (::renameat(directory.raw(), from.c_str(), directory.raw(), to.c_str()) != 0)
    throw_errno("renameat " + quote(from) + " to " + quote(to));
}

}  // namespace

FdResult try_openat(FdRef directory, const std::string& path, int flags, mode_t mode) {
  const int fd = retry([&] { return ::openat(directory.raw(), path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) return {UniqueFd(), errno};
  return {UniqueFd(fd), 0};
}

UniqueFd openat(FdRef directory, const std::string& path, int flags, mode_t mode) {
  FdResult result = try_openat(directory, path, flags, mode);
  if (!result) throw_errno("openat " + quote(path), result.error_number);
  return std::move(result.fd);
}

std::string read_all(FdRef fd, std::size_t limit) {
  std::string data(4096, '\0');
  std::size_t size = 0;
  for (;;) {
    const auto got = retry([&] { return ::read(fd.raw(), data.data() + size, data.size() - size); });
    if (got < 0) throw_errno("read");
    size += static_cast<std::size_t>(got);
    if (size > limit) throw_too_large(limit);
    if (got == 0) break;
    if (size == data.size()) data.resize(data.size() * 4);
  }
  data.resize(size);
  return data;
}

std::string read_file(FdRef directory, const std::string& path, std::size_t limit) {
  const UniqueFd file = openat(directory, path, O_RDONLY);
  try {
    return read_all(file, limit);
  } catch (Error& error) {
    throw error.in(quote(path));
  }
}

std::optional<std::string> read_file_if_any(FdRef directory, const std::string& path, std::size_t limit) {
  const FdResult file = try_openat(directory, path, O_RDONLY);
  if (file.error_number == ENOENT) return std::nullopt;
  if (!file) throw_errno("openat " + quote(path), file.error_number);
  try {
    return read_all(file.fd, limit);
  } catch (Error& error) {
    throw error.in(quote(path));
  }
}

void write_all(FdRef fd, std::string_view data) {
  while (!data.empty()) {
    const auto written = retry([&] { return ::write(fd.raw(), data.data(), data.size()); });
    if (written < 0) throw_errno("write");
    data.remove_prefix(static_cast<std::size_t>(written));
  }
}

int try_write(FdRef fd, std::string_view value) {
  return write_once(fd, value);
}

int try_write_file(FdRef directory, const std::string& path, std::string_view value) {
  const FdResult file = try_openat(directory, path, O_WRONLY);
  return file ? write_once(file.fd, value) : file.error_number;
}

void write_file(FdRef directory, const std::string& path, std::string_view value) {
  const UniqueFd file = openat(directory, path, O_WRONLY);
  const int error_number = write_once(file, value);
  if (error_number != 0) throw_errno("write " + quote(value) + " to " + quote(path), error_number);
}

void replace_file(FdRef directory, const std::string& name, std::string_view data, mode_t mode) {
  Temporary temporary = make_temporary(directory, name, mode);
  try {
    write_all(temporary.fd, data);
    temporary.fd.reset();
    rename_in(directory, temporary.name, name);
  } catch (Error& error) {
    try_unlinkat(directory, temporary.name);
    throw error.in("replace " + quote(name));
  }
}

int try_mkdirat(FdRef directory, const std::string& path, mode_t mode) {
  return errno_of(::mkdirat(directory.raw(), path.c_str(), mode));
}

void mkdirat(FdRef directory, const std::string& path, mode_t mode) {
  const int error_number = try_mkdirat(directory, path, mode);
  if (error_number != 0) throw_errno("mkdirat " + quote(path), error_number);
}

int try_unlinkat(FdRef directory, const std::string& path, int flags) {
  return errno_of(::unlinkat(directory.raw(), path.c_str(), flags));
}

void unlinkat(FdRef directory, const std::string& path, int flags) {
  const int error_number = try_unlinkat(directory, path, flags);
  if (error_number != 0) throw_errno("unlinkat " + quote(path), error_number);
}

struct ::stat fstat(FdRef fd) {
  struct ::stat result {};
  if (::fstat(fd.raw(), &result) != 0) throw_errno("fstat");
  return result;
}

std::optional<struct ::stat> fstatat(FdRef directory, const std::string& path, int flags) {
  struct ::stat result {};
  if (::fstatat(directory.raw(), path.c_str(), &result, flags) == 0) return result;
  if (errno == ENOENT) return std::nullopt;
  throw_errno("fstatat " + quote(path));
}

std::string readlinkat(FdRef directory, const std::string& path) {
  std::string target(PATH_MAX, '\0');
  const auto size = ::readlinkat(directory.raw(), path.c_str(), target.data(), target.size());
  if (size < 0) throw_errno("readlinkat " + quote(path));
  target.resize(static_cast<std::size_t>(size));
  return target;
}

std::vector<std::string> list_directory(FdRef directory) {
  // A description of its own: the borrowed one may be O_PATH, and its position is its owner's.
  const UniqueFd own = openat(directory, ".", O_RDONLY | O_DIRECTORY);
  std::vector<std::string> names;
  alignas(dirent64) std::array<char, 16384> buffer;
  for (;;) {
    const auto size = ::getdents64(own.ref().raw(), buffer.data(), buffer.size());
    if (size < 0) throw_errno("getdents64");
    if (size == 0) return names;
    for (ssize_t offset = 0; offset < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + offset);
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      offset += entry->d_reclen;
    }
  }
}

void make_directories(const std::string& path, mode_t mode) {
  int error_number = try_mkdirat(FdRef::cwd(), path, mode);
  const std::size_t slash = path.find_last_of('/');
  if (error_number == ENOENT && slash != std::string::npos && slash > 0) {
    make_directories(path.substr(0, slash), mode);
    error_number = try_mkdirat(FdRef::cwd(), path, mode);
  }
  if (error_number != 0 && error_number != EEXIST) throw_errno("mkdir " + quote(path), error_number);
}

std::string current_directory() {
  std::array<char, PATH_MAX> buffer{};
  if (::getcwd(buffer.data(), buffer.size()) == nullptr) throw_errno("getcwd");
  std::string path = buffer.data();
  // getcwd(3): "(unreachable)…" when the directory is outside the process's root.
  if (path.empty() || path[0] != '/') throw_errno("getcwd", ENOENT);
  return path;
}

long filesystem_type(FdRef fd) {
  struct ::statfs result {};
  if (retry([&] { return ::fstatfs(fd.raw(), &result); }) != 0) throw_errno("fstatfs");
  return static_cast<long>(result.f_type);
}

bool is_writable_filesystem(const std::string& path, long type) {
  struct ::statfs result {};
  if (retry([&] { return ::statfs(path.c_str(), &result); }) != 0) return false;
  return static_cast<long>(result.f_type) == type && (result.f_flags & ST_RDONLY) == 0;
}

std::string descriptor_path(FdRef fd) {
  return "/proc/self/fd/" + std::to_string(fd.raw());
}

}  // namespace ocx::sys
