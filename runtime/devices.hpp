// Device nodes, FIFOs and links, in the rootfs or in a file system that is not attached yet.
#pragma once

#include <string>

#include "runtime/init_context.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// Makes the node below a directory nobody else can reach yet, at `name` (may hold slashes). False when mknod
/// is refused (EPERM: user namespace, devices cgroup) and it has to be bound from the host once the directory
/// is attached. The caller's umask is 0.
bool make_private_node(sys::FdRef directory, const std::string& name, const step::DeviceNode& node);
/// Binds the host's node of the same path onto an empty file `name` in `directory`, made when absent. Error
/// when the host's node is another device, or when another file is there.
void bind_host_node(InitContext& context, sys::FdRef directory, const std::string& name,
                    const step::DeviceNode& node);
/// Makes the link in a held directory. An existing file stays, or goes with `replace`.
void make_link_at(sys::FdRef directory, const std::string& name, const step::SymbolicLink& link);

/// Opens /dev/null of the running mount namespace as a detached bind and checks that it is the null device
/// (char 1:3): a mount that survives the pivot and that a mask can be made of (CVE-2025-31133). Nothing
/// before Linux 5.2.
sys::UniqueFd clone_null_device();
/// True for char 1:3.
bool is_null_device(sys::FdRef fd);

}  // namespace ocx::runtime
