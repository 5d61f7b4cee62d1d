#include "cgroups/delegation.hpp"

#include <unistd.h>

#include <cerrno>
#include <vector>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// Kernels before 4.15 have no list; config-linux.md names the files for them.
std::vector<std::string> delegated_files() {
  const auto list = sys::read_file_if_any(sys::FdRef::cwd(), "/sys/kernel/cgroup/delegate");
  if (!list) return {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"};
  return sys::split(*list, '\n');
}

void change_owner(sys::FdRef file, const std::string& path, uid_t owner) {
  const int error_number = sys::try_fchown_user(file, owner);
  if (error_number == 0) return;
  const Error error =
      Error::from_errno("fchown " + sys::quote(path) + " to " + std::to_string(owner), error_number);
  if (error_number != EPERM || ::geteuid() == 0) throw error;
  sys::log_debug(std::string(error.what()) + ", doing without");
}

}  // namespace

void give_away(const std::string& directory, uid_t owner) {
  const sys::UniqueFd top = sys::openat(sys::FdRef::cwd(), directory, O_RDONLY | O_DIRECTORY);
  change_owner(top, directory, owner);
  for (const std::string& name : delegated_files()) {
    if (name.empty() || name.find('/') != std::string::npos) continue;
    // memory.reclaim and others can only be written; files of absent controllers are not there.
    sys::FdResult file = sys::try_openat(top, name, O_WRONLY | O_NOFOLLOW);
    if (file) change_owner(file.fd, directory + "/" + name, owner);
  }
}

}  // namespace ocx::cgroups
