// What ocx-cni does: add, check, del, list.
#pragma once

#include <string>
#include <string_view>

#include "cmd/ocx-cni/options.hpp"

namespace ocx::cni {

/// What a hook reads (runtime.md, "State"), as far as it is needed here.
struct ContainerState {
  std::string id, bundle;
  int pid = 0;  // 0: there is no process any more
};
/// Error: no JSON, no id, or one that CNI does not allow.
ContainerState parse_state(std::string_view text);

/// Error: the container is as it was before.
void add_networks(const Request& request, const ContainerState& state);
/// Error: a plug-in could not remove something; what it needs to try again is kept.
void delete_networks(const Request& request, const ContainerState& state);
/// Error: a plug-in found something wrong, or the container has no networks.
void check_networks(const Request& request, const ContainerState& state);
/// A table: container, network, interface, addresses.
std::string list_networks(const Request& request);

}  // namespace ocx::cni
