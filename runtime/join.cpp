#include "runtime/join.hpp"

#include <sched.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "runtime/adopt.hpp"
#include "runtime/messages.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

// The mount namespace comes late: it changes what paths mean.
constexpr std::uint64_t all_flags[] = {CLONE_NEWIPC,    CLONE_NEWUTS,  CLONE_NEWNET, CLONE_NEWPID,
                                       CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWNS,  CLONE_NEWUSER};

std::string file_of(const std::string& process, std::uint64_t flag) {
  return process + "/ns/" + namespace_file(flag);
}

bool is_callers(const JoinTarget& target, std::uint64_t flag) {
  const auto ours = sys::fstatat(target.proc.fd(), file_of("self", flag));
  const auto theirs = sys::fstatat(target.proc.fd(), file_of(std::to_string(target.pid), flag));
  if (!ours || !theirs) return true;  // a kernel without that type
  return ours->st_ino == theirs->st_ino && ours->st_dev == theirs->st_dev;
}

Error stopped() {
  return Error(messages::exec_stopped, ErrorKind::wrong_state);
}

using Files = std::vector<std::pair<std::uint64_t, sys::UniqueFd>>;

Files open_namespaces(const JoinTarget& target, std::uint64_t flags) {
  Files files;
  for (const std::uint64_t flag : all_flags)
    if ((flags & flag) != 0)
      files.emplace_back(flag,
                         sys::openat(target.proc.fd(), file_of(std::to_string(target.pid), flag), O_RDONLY));
  // Alive after the files were opened: until then no other process can have had its pid.
  if (!sys::pidfd_send_signal(target.pidfd, 0)) throw stopped();
  return files;
}

/// Namespaces that the host's user namespace owns are joined first, with the rights one has there; those that
/// belong to the container's refuse that and come after it.
int join_one_by_one(const Files& files) {
  std::vector<const Files::value_type*> later;
  for (const auto& file : files) {
    const int error_number = sys::try_setns(file.second, file.first);
    if (error_number == EPERM && file.first != CLONE_NEWUSER)
      later.push_back(&file);
    else if (error_number != 0)
      return error_number;
  }
  for (const auto* file : later)
    if (const int error_number = sys::try_setns(file->second, file->first); error_number != 0)
      return error_number;
  return 0;
}

}  // namespace

std::uint64_t namespaces_to_join(const JoinTarget& target, std::uint64_t listed) {
  std::uint64_t flags = listed & ~static_cast<std::uint64_t>(CLONE_NEWUSER);
  for (const std::uint64_t flag : all_flags)
    if ((flags & flag) == 0 && !is_callers(target, flag)) flags |= flag;
  return flags;
}

int try_join_namespaces(const JoinTarget& target, std::uint64_t flags) {
  if (flags == 0) return 0;
  const int error_number = sys::try_setns(target.pidfd, flags);
  // Before Linux 5.8 a pidfd is no namespace. This can go with 5.4.
  if (error_number == EINVAL) return join_one_by_one(open_namespaces(target, flags));
  if (error_number == ESRCH) throw stopped();
  return error_number;
}

void join_namespaces(const JoinTarget& target, std::uint64_t flags) {
  const int error_number = try_join_namespaces(target, flags);
  if (error_number == 0) return;
  Error error = Error::from_errno("join the container's namespaces", error_number);
  if (error_number == EPERM) error.hint("joining needs CAP_SYS_ADMIN, or the owner of the user namespace");
  throw error;
}

}  // namespace ocx::runtime
