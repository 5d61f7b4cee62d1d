// The device policy as systemd has it, for hosts with the v1 devices controller: systemd writes that list
// anew at a daemon-reload, and without a policy of its own for the unit it allows everything. On v2 it leaves
// the programs of others alone. Pure.
#pragma once

#include <vector>

#include "cgroups/systemd_request.hpp"
#include "spec/resources.hpp"

namespace ocx::cgroups {

/// DevicePolicy and DeviceAllow; nothing without rules. What systemd can't say, a minor number of all majors,
/// is left out.
std::vector<UnitProperty> device_properties(const std::vector<spec::DeviceRule>& rules);

}  // namespace ocx::cgroups
