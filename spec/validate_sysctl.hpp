// linux.sysctl: which kernel parameters belong to the container.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "spec/linux.hpp"

namespace ocx::spec {

/// The path below /proc/sys of a parameter's name, "net/ipv4/conf/eth0.1/forwarding", or nothing when the
/// name is malformed. As in sysctl.d(5), the first separator decides: after "/" dots are part of names; after
/// "." a "/" stands for a dot. No component is empty, "." or "..".
std::optional<std::string> sysctl_path(std::string_view name);

/// Throws unless every parameter is in a namespace of the container's own.
void validate_sysctl(const Linux& linux);

}  // namespace ocx::spec
