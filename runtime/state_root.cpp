// Where the state of containers is when nobody says --root, and whether that place can be trusted.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "runtime/state_store.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* system_root = "/run/ocx";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// XDG Base Directory Specification: a relative path is to be ignored.
std::string runtime_directory() {
  std::string path = environment("XDG_RUNTIME_DIR");
  return path.starts_with('/') ? path : "";
}

/// "/" by another name, through links or bind mounts: every directory of the host would be a container.
void refuse_host_root(const std::string& root) {
  if (sys::clean_path(root) != "/") {
    // What can't be reached is another; the command that needs it says why it can't be had.
    const sys::FdResult named = sys::try_openat(sys::FdRef::cwd(), root, O_PATH);
    if (!named) return;
    const struct ::stat status = sys::fstat(named.fd);
    const auto host = sys::fstatat(sys::FdRef::cwd(), "/");
    if (!host || host->st_ino != status.st_ino || host->st_dev != status.st_dev) return;
  }
  throw Error("the state root " + sys::quote(root) + " is \"/\"", ErrorKind::usage)
      .hint("name a directory of ocx's own with --root");
}

std::string shared_directory_root() {
  return "/tmp/ocx-" + std::to_string(::geteuid());
}

bool is_private(const struct ::stat& status) {
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
}

/// Nobody has said where: the directory pam_systemd(8) makes for a user who logs in, else one in /tmp.
std::string root_of_user() {
  const std::string login = "/run/user/" + std::to_string(::geteuid());
  const auto status = sys::fstatat(sys::FdRef::cwd(), login, AT_SYMLINK_NOFOLLOW);
  return status && is_private(*status) ? login + "/ocx" : shared_directory_root();
}

}  // namespace

std::string state_root(const std::string& option) {
  if (!option.empty()) {
    refuse_host_root(option);
    return sys::clean_path(option.front() == '/' ? option : sys::current_directory() + "/" + option);
  }
  const std::string directory = runtime_directory();
  if (directory.empty()) return ::geteuid() == 0 ? system_root : root_of_user();
  const bool unprivileged = ::geteuid() != 0 || (environment("USER") != "root" && sys::in_user_namespace());
  if (!unprivileged) return system_root;
  refuse_host_root(directory + "/ocx");
  return sys::clean_path(directory + "/ocx");
}

mode_t state_root_mode(const std::string& root) {
  const std::string directory = runtime_directory();
  const bool inside =
      (!directory.empty() && root.starts_with(directory + "/")) || root.starts_with("/run/user/");
  return inside ? 01700 : 0700;
}

void check_state_root(sys::FdRef root, const std::string& path) {
  if (::geteuid() == 0 || path != shared_directory_root()) return;
  // By its name: a link of somebody else's may lead to a directory that is the caller's for another purpose.
  const auto named = sys::fstatat(sys::FdRef::cwd(), path, AT_SYMLINK_NOFOLLOW);
  const struct ::stat opened = sys::fstat(root);
  if (named && is_private(*named) && named->st_ino == opened.st_ino && named->st_dev == opened.st_dev) return;
  throw Error("the state root " + sys::quote(path) + " is not a directory of mode 0700 that belongs to uid " +
              std::to_string(::geteuid()))
      .hint("somebody else may have made it: set XDG_RUNTIME_DIR, or name another with --root");
}

}  // namespace ocx::runtime
