// bpf(2) for programs of type BPF_PROG_TYPE_CGROUP_DEVICE: load one, attach it to a cgroup of version 2, see
// what is attached.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

/// Loads a program under `name` (at most 15 of [a-zA-Z0-9_.]); it lives as long as the descriptor or an
/// attachment. Errors: EPERM without CAP_BPF and CAP_NET_ADMIN (or CAP_SYS_ADMIN) in the initial user
/// namespace; E2BIG, too many instructions; unsupported, the kernel has no such programs; else with the last
/// words of the verifier.
UniqueFd bpf_load_device_program(const std::vector<bpf_insn>& code, const std::string& name);

/// What is attached to one cgroup, in the order in which it runs, without what its parents have.
struct BpfAttached {
  std::vector<std::uint32_t> ids;
  std::uint32_t flags = 0;  // BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE or neither, as they were attached
};
/// BPF_PROG_QUERY (Linux 4.15). `cgroup` is the cgroup's directory.
BpfAttached bpf_query_device_programs(FdRef cgroup);

/// BPF_PROG_ATTACH with these BPF_F_ flags; with BPF_F_REPLACE `replaced` is the program that goes. 0 or
/// errno.
int try_bpf_attach(FdRef cgroup, FdRef program, std::uint32_t flags,
                   std::optional<FdRef> replaced = std::nullopt);
/// BPF_PROG_DETACH. 0 or errno; ENOENT: it is not attached.
int try_bpf_detach(FdRef cgroup, FdRef program);

/// A descriptor for the program of that number (CAP_SYS_ADMIN). ENOENT: it is gone.
FdResult try_bpf_open_program(std::uint32_t id);
/// The name it was loaded under, empty without one.
std::string bpf_program_name(FdRef program);

}  // namespace ocx::sys
