// What a record refers to: the init process and the cgroup, if they are still there.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cgroups/manager.hpp"
#include "runtime/state_store.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// A handle of init, verified by its start time: never of a process that got its pid later. Nothing when init
/// has ended, or was never made.
std::optional<sys::UniqueFd> open_init(const Record& record);

/// The manager of the record's cgroup.
std::unique_ptr<cgroups::Manager> open_cgroup(const Record& record);

/// Throws unless the container has its process: `container not running`. One that is still being created has
/// none to act on yet, or its create has died.
void check_has_process(const std::string& id, spec::Status status);

/// The driver's name in the layer below.
cgroups::Driver to_driver(CgroupDriver driver);

}  // namespace ocx::runtime
