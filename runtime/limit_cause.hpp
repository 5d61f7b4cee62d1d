// When a container dies of its own limits: which one it was, and what to do about it.
#pragma once

#include <optional>

#include "cgroups/manager.hpp"
#include "spec/resources.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {

/// For an init that SIGKILL ended: the error when that was the kernel's OOM killer, by the counter of its
/// cgroup (cgroups/oom.hpp); nothing when that killed nobody there. Origin: /linux/resources/memory/limit
/// when there is such a limit.
std::optional<Error> oom_kill_error(const cgroups::Paths& paths, const spec::Resources& resources);

/// A fork that was refused inside the container (EAGAIN) because of pids.limit gets that said; other errors
/// stay as they are.
void blame_pids_limit(Error& error, const cgroups::Paths& paths, const spec::Resources& resources);

}  // namespace ocx::runtime
