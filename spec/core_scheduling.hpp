// Core scheduling by annotation (prctl(2), PR_SCHED_CORE): the specification has no property for it.
#pragma once

namespace ocx::spec {

/// Which cookie a process gets: those with the same one may run on the threads of a core at the same time.
struct CoreScheduling {
  int share_with = 0;  // a process to take the cookie of; 0: a new one
};

}  // namespace ocx::spec
