// Core scheduling (prctl(2), PR_SCHED_CORE): tasks with the same cookie may run on the threads of a processor
// core at the same time; others wait. Children inherit the cookie.
#pragma once

#include <cstdint>

namespace ocx::sys {

// All: 0 or errno. EINVAL: a kernel before Linux 5.14 or without CONFIG_SCHED_CORE; ENODEV: no core has more
// than one thread; ESRCH: no such process; EPERM: not allowed to ptrace it.

/// A new cookie for all threads of `pid`, which is as the caller's pid namespace counts.
int try_sched_core_create(int pid);
/// The calling thread takes the cookie of `pid`.
int try_sched_core_take(int pid);
/// All threads of `pid` get the cookie of the calling thread.
int try_sched_core_give(int pid);
/// The cookie of the thread; 0: it has none.
int try_sched_core_get(int pid, std::uint64_t& cookie);

}  // namespace ocx::sys
