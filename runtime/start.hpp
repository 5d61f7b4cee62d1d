// What start and run share once the program is executed.
#pragma once

#include "runtime/state_store.hpp"

namespace ocx::runtime {

/// poststart hooks; a failure destroys the container (runtime.md, lifecycle step 9).
void run_poststart(StateDirectory& directory, const Record& record);

}  // namespace ocx::runtime
