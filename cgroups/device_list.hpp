// The device policy as cgroup v1 takes it: lines for devices.allow and devices.deny (kernel doc
// cgroup-v1/devices). Pure.
#pragma once

#include <string>
#include <vector>

#include "spec/resources.hpp"

namespace ocx::cgroups {

/// What every container may use besides its own rules: the default devices of config-linux.md, its terminals
/// (136:*), /dev/net/tun, and mknod of any node (a node without access to it is harmless, and unpacking
/// images needs it).
const std::vector<spec::DeviceRule>& default_device_rules();

/// "a", without numbers and with each access: settles all that came before it.
bool matches_everything(const spec::DeviceRule& rule);

struct DeviceWrite {
  bool allow = false;
  std::string line;  // "c 1:3 rwm", or "a" for everything
  int rule = -1;     // index in the rules of config.json; -1: a default rule
  bool operator==(const DeviceWrite&) const = default;
};

/// The user's rules in their order, then the default rules, without those that would change nothing. Error
/// unsupported at /linux/resources/devices/N: v1 has no way to say it.
std::vector<DeviceWrite> device_writes(const std::vector<spec::DeviceRule>& rules);
/// False where device_writes() would refuse.
bool has_device_writes(const std::vector<spec::DeviceRule>& rules);

}  // namespace ocx::cgroups
