// flock(2) with a time limit.
#pragma once

#include "sys/fd.hpp"

namespace ocx::sys {

/// Takes the exclusive lock of the file or directory (no O_PATH descriptor); it ends with the last descriptor
/// of this open. False when another holder kept it for `timeout_ms`. While it waits, the process's
/// ITIMER_REAL and SIGALRM are in use.
bool lock_exclusive(FdRef fd, int timeout_ms);

void unlock(FdRef fd);

}  // namespace ocx::sys
