// A process in between, for namespaces that the runtime could not come back from.
#pragma once

#include <functional>

#include "runtime/handshake.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

/// Runs `join_and_clone` in a child, which may setns(2) for good and has to clone (CLONE_PARENT) the process
/// that is wanted: a child of the caller's. What it throws is thrown here. The channel to the caller is its
/// argument: the clone has no use for it. Returns when the process in between has ended.
sys::CloneResult clone_through_relay(const std::function<sys::CloneResult(Channel&)>& join_and_clone);

}  // namespace ocx::runtime
