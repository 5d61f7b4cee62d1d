// The end of a container, for every verb that may have to bring it about.
#pragma once

#include "runtime/state_store.hpp"

namespace ocx::runtime {

/// Kills what is left of the container, waits for it, removes its cgroups and its state, then runs the
/// poststop hooks, whose failures are warnings (runtime.md, lifecycle steps 12 and 13). `directory` is locked
/// and no longer usable afterwards. Errors: `container init still running` after 10 s; a cgroup that can't be
/// removed (the state stays, for another try).
void destroy(StateDirectory& directory, const Record& record);

}  // namespace ocx::runtime
