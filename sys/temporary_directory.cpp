#include "sys/temporary_directory.hpp"

#include <cerrno>

#include "sys/beneath.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/lock.hpp"
#include "sys/log.hpp"
#include "sys/random.hpp"
#include "sys/remove_tree.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

}  // namespace

TemporaryDirectory::TemporaryDirectory(const std::string& parent, const std::string& name)
    : parent_(openat(FdRef::cwd(), parent, O_RDONLY | O_DIRECTORY)) {
  do {
    name_ = "." + name + "." + random_digits(12);
    path_ = (parent == "/" ? "" : parent) + "/" + name_;
    const int error = try_mkdirat(parent_, name_, 0700);
    if (error == EEXIST) continue;
    if (error != 0) throw_errno("mkdir " + quote(path_), error);
    FdResult made = try_openat(parent_, name_, directory_flags);
    // remove_abandoned() may have taken it for another's before it had our lock.
    if (made && lock_exclusive(made.fd, 0) && fstat(made.fd).st_nlink > 0) directory_ = std::move(made.fd);
  } while (!directory_);
}

TemporaryDirectory::~TemporaryDirectory() {
  if (name_.empty()) return;
  try {
    remove_tree(parent_, name_);
  } catch (const Error& error) {
    log_warning("remove " + quote(path_) + ": " + error.what() + ", ignoring");
  }
}

int TemporaryDirectory::try_publish(const std::string& name) {
  const int error = try_renameat(parent_, name_, parent_, name);
  if (error == 0) name_.clear();
  return error;
}

void remove_abandoned(const std::string& parent, const std::string& name) {
  const FdResult directory = try_openat(FdRef::cwd(), parent, O_RDONLY | O_DIRECTORY);
  if (!directory) return;
  for (const std::string& entry : list_directory(directory.fd)) {
    if (!entry.starts_with("." + name + ".")) continue;
    const FdResult old = try_openat(directory.fd, entry, directory_flags);
    if (!old || !lock_exclusive(old.fd, 0)) continue;
    try {
      remove_tree(directory.fd, entry);
    } catch (const Error& error) {
      log_warning("remove " + quote(parent + "/" + entry) + ": " + error.what() + ", ignoring");
    }
  }
}

}  // namespace ocx::sys
