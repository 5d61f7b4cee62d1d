// Entering the namespaces of a running container (setns(2)).
#pragma once

#include <cstdint>

#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// The container's first process. The handle was verified by its start time, so names below /proc/PID are its
/// own for as long as the handle says that it lives.
struct JoinTarget {
  const sys::Procfs& proc;
  int pid = 0;
  sys::FdRef pidfd;
};

/// CLONE_NEW* of the namespaces to join: those `listed` in the configuration, and of the others those that
/// are not the caller's. A user namespace is always looked at: one's own can't be joined.
std::uint64_t namespaces_to_join(const JoinTarget& target, std::uint64_t listed);

/// Joins them for good; a pid namespace takes the caller's next child. Returns 0 or errno.
int try_join_namespaces(const JoinTarget& target, std::uint64_t flags);
/// Error: `cannot exec in a stopped container`, when the target has ended meanwhile.
void join_namespaces(const JoinTarget& target, std::uint64_t flags);

}  // namespace ocx::runtime
