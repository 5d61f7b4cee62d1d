// One clone3 into all new namespaces; a second fork only where the caller could not come back from one.
#pragma once

#include <optional>

#include "runtime/init.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

/// Clones init, which runs init_main(arguments) and never returns. `cgroup` is the directory for
/// CLONE_INTO_CGROUP.
sys::CloneResult clone_init(const InitArguments& arguments, std::optional<sys::FdRef> cgroup);

}  // namespace ocx::runtime
