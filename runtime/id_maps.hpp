// The id maps of a new user namespace (user_namespaces(7)).
#pragma once

#include "runtime/plan.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// Writes uid_map and gid_map of a process of the caller's in a new user namespace: itself where the kernel
/// lets it, else through newuidmap(1) and newgidmap(1). setgroups(2) is given up only for a single group of
/// the caller's own. Error: not permitted; kind unsupported, with the package, when the programs are missing.
void write_id_maps(const sys::Procfs& proc, int pid, const Namespaces& namespaces);

}  // namespace ocx::runtime
