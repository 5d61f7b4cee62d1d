// Where the kernel takes a process's memory from (numa(7)).
#pragma once

#include <vector>

namespace ocx::sys {

/// set_mempolicy(2) of the calling thread, which children and the next program inherit. `mode` is MPOL_* with
/// MPOL_F_* flags. 0 or errno.
int try_set_mempolicy(int mode, const std::vector<unsigned>& nodes);

}  // namespace ocx::sys
