// The device policy of a cgroup of version 2, in force: an eBPF program on its directory.
#pragma once

#include <vector>

#include "spec/resources.hpp"
#include "sys/error.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

/// Loads the program of the rules and the default rules (device_list.hpp), and attaches it to the cgroup; no
/// rules: nothing. An earlier program of ocx's gives way to it, without a moment in which neither is in
/// force; what others have attached stays and judges, too. The program is gone with the cgroup. Errors, at
/// /linux/resources/devices: unsupported, the kernel has no such programs, or loads none for this caller; in
/// a user namespace, rules that only deny everything and allow some of it again are done without, since the
/// kernel lets nobody make device nodes there.
void attach_device_policy(sys::FdRef cgroup_directory, const std::vector<spec::DeviceRule>& rules);

/// The kernel loads no device program for a caller in a user namespace. A container there can't make device
/// nodes, nor use any but those that were bound into it on purpose: the usual policy is in force without one.
/// Throws `error`, at the rule, when these rules deny more than the rest. `error`: why there is no program.
void do_without_devices(const std::vector<spec::DeviceRule>& rules, const Error& error);

}  // namespace ocx::cgroups
