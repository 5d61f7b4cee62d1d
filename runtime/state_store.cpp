#include "runtime/state_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "runtime/messages.hpp"
#include "runtime/record.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/lock.hpp"
#include "sys/remove_tree.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* record_file = "state.json";
constexpr const char* config_file = "config.json";
constexpr const char* exec_file = "exec.json";
constexpr const char* gate_name = "start";
constexpr int lock_ms = 10'000;
constexpr int reserve_attempts = 8;

Error no_container() {
  return Error(messages::does_not_exist, ErrorKind::does_not_exist);
}

/// What the caller can do about a root that can't be had.
Error with_remedy(Error error) {
  const int error_number = error.error_number();
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS || error_number == ENOENT)
    error.hint(
        "set XDG_RUNTIME_DIR to a directory that belongs to you (a login makes one), or name one with "
        "--root");
  return error;
}

Error open_failure(const std::string& path, int error_number) {
  return with_remedy(Error::from_errno("open state root " + sys::quote(path), error_number));
}

sys::UniqueFd make_root(const std::string& path) {
  constexpr int flags = O_PATH | O_DIRECTORY;
  sys::FdResult root = sys::try_openat(sys::FdRef::cwd(), path, flags);
  if (!root && root.error_number != ENOENT) throw open_failure(path, root.error_number);
  if (!root) try {
      sys::make_directories(path, state_root_mode(path));
      root.fd = sys::openat(sys::FdRef::cwd(), path, flags);
    } catch (const Error& error) {
      throw with_remedy(error).in("state root");
    }
  check_state_root(root.fd, path);
  return std::move(root.fd);
}

/// Nothing when there is no such root.
sys::UniqueFd open_root(const std::string& path, int flags) {
  sys::FdResult root = sys::try_openat(sys::FdRef::cwd(), path, flags | O_DIRECTORY);
  if (!root && root.error_number != ENOENT) throw open_failure(path, root.error_number);
  if (root) check_state_root(root.fd, path);
  return std::move(root.fd);
}

sys::UniqueFd open_container(sys::FdRef root, const std::string& id) {
  sys::FdResult directory = sys::try_openat(root, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory) return std::move(directory.fd);
  const int error_number = directory.error_number;
  if (error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP) throw no_container();
  throw_errno("open state directory " + sys::quote(id), error_number);
}

void write_new(sys::FdRef directory, const char* name, std::string_view text) {
  const sys::UniqueFd file = sys::openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  sys::write_all(file, text);
}

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_+.-").find(c) != std::string_view::npos;
}

}  // namespace

void check_id(const std::string& id) {
  if (id.empty()) throw Error(messages::empty_id, ErrorKind::usage);
  if (id == "." || id == ".." || !std::all_of(id.begin(), id.end(), is_id_character))
    throw Error(std::string(messages::invalid_id) + " " + sys::quote(id), ErrorKind::usage)
        .hint("use letters, digits and _ + . -");
}

std::vector<std::string> container_ids(const Globals& globals) {
  const sys::UniqueFd root = open_root(globals.root, O_RDONLY);
  if (!root && globals.explicit_root) throw_errno("open state root " + sys::quote(globals.root), ENOENT);
  std::vector<std::string> ids;
  if (!root) return ids;
  for (std::string& name : sys::list_directory(root)) {
    if (!std::all_of(name.begin(), name.end(), is_id_character)) continue;
    const auto status = sys::fstatat(root, name, AT_SYMLINK_NOFOLLOW);
    if (status && S_ISDIR(status->st_mode)) ids.push_back(std::move(name));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

StateDirectory::StateDirectory(std::string id, std::string path, sys::UniqueFd root, sys::UniqueFd directory)
    : id_(std::move(id)), path_(std::move(path)), root_(std::move(root)), directory_(std::move(directory)) {}

StateDirectory StateDirectory::reserve(const Globals& globals, const std::string& id) {
  check_id(id);
  sys::UniqueFd root = make_root(globals.root);
  for (int attempt = 0; attempt < reserve_attempts; ++attempt) {
    const int error_number = sys::try_mkdirat(root, id, 0711);
    if (error_number == EEXIST) throw Error(messages::already_exists, ErrorKind::already_exists);
    if (error_number != 0) throw_errno("mkdir " + sys::quote(globals.root + "/" + id), error_number);
    StateDirectory made(id, globals.root + "/" + id, std::move(root), {});
    sys::FdResult directory = sys::try_openat(made.root_, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // Between mkdir and the lock a `delete --force` may take it for a stray one, and remove it.
    if (directory) {
      made.directory_ = std::move(directory.fd);
      if (made.lock()) return made;
    } else if (directory.error_number != ENOENT) {
      throw_errno("open " + sys::quote(made.path_), directory.error_number);
    }
    root = std::move(made.root_);
  }
  throw Error("container " + sys::quote(id) + " is being deleted all the time");
}

StateDirectory StateDirectory::open(const Globals& globals, const std::string& id) {
  check_id(id);
  sys::UniqueFd root = open_root(globals.root, O_PATH);
  if (!root) throw no_container();
  sys::UniqueFd directory = open_container(root, id);
  return {id, globals.root + "/" + id, std::move(root), std::move(directory)};
}

StateDirectory StateDirectory::open_locked(const Globals& globals, const std::string& id) {
  StateDirectory directory = open(globals, id);
  if (!directory.lock()) throw no_container();
  return directory;
}

/// False when the directory is no longer the one of that name.
bool StateDirectory::lock() const {
  if (!sys::lock_exclusive(directory_, lock_ms))
    throw Error("container " + sys::quote(id_) + " is busy: another command holds its lock")
        .hint("try again when it has ended");
  const auto named = sys::fstatat(root_, id_, AT_SYMLINK_NOFOLLOW);
  const struct ::stat held = sys::fstat(directory_);
  return named && named->st_ino == held.st_ino && named->st_dev == held.st_dev;
}

void StateDirectory::unlock() const {
  sys::unlock(directory_);
}

bool StateDirectory::relock() const {
  return lock();
}

Record StateDirectory::load() const {
  const auto document = sys::read_file_if_any(directory_, record_file);
  if (!document) throw no_container();
  try {
    Record record = parse_record(*document);
    if (record.id != id_) throw Error("it is of another container, " + sys::quote(record.id));
    return record;
  } catch (Error& error) {
    error.in("state file " + sys::quote(path_ + "/" + record_file) + " is damaged");
    error.hint("remove the container with: ocx delete --force " + id_);
    throw;
  }
}

void StateDirectory::save(const Record& record) const {
  sys::replace_file(directory_, record_file, write_record(record), 0600);
}

void StateDirectory::save_config(std::string_view document) const {
  write_new(directory_, config_file, document);
}

void StateDirectory::save_exec_document(std::string_view document) const {
  write_new(directory_, exec_file, document);
}

std::string StateDirectory::load_config() const {
  return sys::read_file(directory_, config_file);
}

std::string StateDirectory::load_exec_document() const {
  return sys::read_file(directory_, exec_file);
}

void StateDirectory::erase() {
  sys::try_unlinkat(directory_, config_file);
  sys::try_unlinkat(directory_, exec_file);
  sys::try_unlinkat(directory_, record_file);
  int error_number = sys::try_unlinkat(root_, id_, AT_REMOVEDIR);
  if (error_number == ENOTEMPTY && sys::try_unlinkat(directory_, seccomp_file) == 0)
    error_number = sys::try_unlinkat(root_, id_, AT_REMOVEDIR);
  if (error_number == 0 || error_number == ENOENT) return;
  if (error_number != ENOTEMPTY) throw_errno("rmdir " + sys::quote(path_), error_number);
  try {
    sys::remove_tree(root_, id_);
  } catch (Error& error) {
    throw error.in("remove state directory " + sys::quote(path_));
  }
}

sys::UniqueFd StateDirectory::make_gate() const {
  return sys::listen_unix(directory_, gate_name);
}

sys::UniqueFd StateDirectory::connect_gate() const {
  return sys::connect_unix(directory_, gate_name);
}

void StateDirectory::close_gate() const {
  const int error_number = sys::try_unlinkat(directory_, gate_name);
  if (error_number != 0 && error_number != ENOENT)
    throw_errno("unlink " + sys::quote(path_ + "/" + gate_name), error_number);
}

bool StateDirectory::has_gate() const {
  return sys::fstatat(directory_, gate_name, AT_SYMLINK_NOFOLLOW).has_value();
}

}  // namespace ocx::runtime
