// Limits as systemd knows them: without them in the unit a daemon-reload would put the cgroup's files back.
// Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cgroups/settings.hpp"
#include "cgroups/systemd_request.hpp"

namespace ocx::cgroups {

/// What the container's file holds now, "" when it can't be read.
using ReadFile = std::function<std::string(const std::string& file)>;

/// The properties (org.freedesktop.systemd1(5)) of those settings that have one; systemd leaves the others
/// alone. A CPU quota is rounded up to a whole percent, which is what systemd stores.
std::vector<UnitProperty> limit_properties(const std::vector<Setting>& settings, const ReadFile& current);

/// What puts back what the files of these settings hold now: files and values, in the same order.
std::vector<Setting> settings_in_force(const std::vector<Setting>& settings, const ReadFile& current);

}  // namespace ocx::cgroups
