// The device policy of a cgroup of version 2, in force: an eBPF program on its directory.
#pragma once

#include <vector>

#include "spec/resources.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

/// Loads the program of the rules and the default rules (device_list.hpp), and attaches it to the cgroup; no
/// rules: nothing. An earlier program of ocx's gives way to it, without a moment in which neither is in
/// force; what others have attached stays and judges, too. The program is gone with the cgroup. Errors, at
/// /linux/resources/devices: unsupported, the kernel has no such programs, or loads none for this caller; in
/// a user namespace, rules that only deny everything and allow some of it again are done without, since the
/// kernel lets nobody make device nodes there.
void attach_device_policy(sys::FdRef cgroup_directory, const std::vector<spec::DeviceRule>& rules);

}  // namespace ocx::cgroups
