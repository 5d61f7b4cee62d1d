// The device policy as cgroup v2 takes it: an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE (kernel doc
// admin-guide/cgroup-v2, "Device controller"). Pure.
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "spec/resources.hpp"

namespace ocx::cgroups {

/// Compiles rules, in the order of config.json, to a program that returns 1 for what they allow, 0 for what
/// they deny. Each bit of a request (read, write, mknod) is judged alone, by the last rule that names it and
/// matches the device; one denied bit denies the request. What no rule names is allowed, as in a new cgroup
/// of version 1, which has what its parent has; the usual first rule denies everything.
std::vector<bpf_insn> device_program(const std::vector<spec::DeviceRule>& rules);

}  // namespace ocx::cgroups
