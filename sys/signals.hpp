// Signal dispositions and masks.
#pragma once

#include "sys/procfs.hpp"

namespace ocx::sys {

/// Unblocks all signals and sets those the caller ignored back to their defaults (SigIgn of /proc/self/status
/// says which): a payload must not inherit the habits of whatever started the runtime.
void reset_signals(const Procfs& proc);

}  // namespace ocx::sys
