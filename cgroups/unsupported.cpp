// The check of linux.resources that plan() makes.
#include <algorithm>

#include "cgroups/device_list.hpp"
#include "cgroups/settings.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {
namespace {

/// Where there is nothing to apply them with. The one exemption is the lone deny-all rule of `ocx spec`,
/// which nearly every bundle carries: accepted without effect.
void refuse_devices(const std::vector<spec::DeviceRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (i > 0 || rules[i].allow || !matches_everything(rules[i]))
      throw Error("there is no cgroup that takes device rules", ErrorKind::unsupported)
          .at("/linux/resources/devices/" + std::to_string(i))
          .hint("remove the rule");
}

/// A program on the v2 tree can say all that rules can, also beside v1's list.
void check_devices(const std::vector<spec::DeviceRule>& rules, const Versions& versions) {
  if (versions.v2) return;
  if (std::find(versions.v1.begin(), versions.v1.end(), "devices") == versions.v1.end())
    refuse_devices(rules);
  else
    device_writes(rules);  // refuses what v1 can't say
}

void warn_if_limited(std::vector<std::string>& warnings, const std::optional<std::int64_t>& value,
                     const char* property) {
  if (value.value_or(0) <= 0) return;
  warnings.push_back(std::string("memory.") + property +
                     " has no effect on cgroup v2, where kernel memory counts as memory (/linux/resources/"
                     "memory/" +
                     property + "), ignoring");
}

}  // namespace

std::vector<std::string> check_resources(const spec::Resources& resources, const Versions& versions) {
  check_devices(resources.devices, versions);
  settings_of(resources, versions);
  std::vector<std::string> warnings;
  if (resources.memory && versions.on_v2("memory")) {
    warn_if_limited(warnings, resources.memory->kernel, "kernel");
    warn_if_limited(warnings, resources.memory->kernel_tcp, "kernelTCP");
  }
  return warnings;
}

void refuse_limits(const spec::Resources& resources) {
  refuse_devices(resources.devices);
  const auto refuse = [](const std::string& origin) {
    throw Error("a container without a cgroup can't be limited", ErrorKind::unsupported)
        .at(origin)
        .hint("remove the setting, or use another --cgroup-manager");
  };
  if (!resources.unified.empty()) refuse("/linux/resources/unified/" + resources.unified.begin()->first);
  for (const Setting& setting : settings_of(resources, {}))
    if (setting.missing == Setting::Missing::error) refuse(setting.origin);
}

}  // namespace ocx::cgroups
