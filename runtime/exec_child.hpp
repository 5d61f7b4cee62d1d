// The process that `exec` adds, from its clone to its program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/join.hpp"
#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

/// What the parent leaves for its child, all of it made before the clone.
struct ExecArguments {
  const Plan& plan;
  JoinTarget target;
  std::uint64_t namespaces = 0;  // CLONE_NEW* that the child joins
  bool relay = false;            // the pid namespace is among them: who joins has to clone once more
  sys::FdRef root;               // of a container without a mount namespace of its own; else -1
  sys::FdRef channel;            // the child's end
  bool cgroup_due = false;       // `cgroup_joined` comes
  bool commit_due = false;       // `commit` comes: descriptors are still being handed to others
  std::string seccomp;           // the compiled filter
  std::string cpus;              // once it is in the cgroup; empty: as they are
  std::string fail_at;           // tests: "enter:3", the step that has to fail
};

/// Clones the process, which becomes the program and never returns. It says `ready` right before; end of file
/// then means that the program runs. `cgroup` is the directory for CLONE_INTO_CGROUP, not with a relay.
sys::CloneResult clone_exec(const ExecArguments& arguments, std::optional<sys::FdRef> cgroup);

}  // namespace ocx::runtime
