// Annotations `org.systemd.property.NAME`: properties of the unit that the container's maker wants, the value
// in GVariant's text format. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cgroups/systemd_request.hpp"

namespace ocx::cgroups {

/// The properties the annotations ask for, `NAMESec` in seconds as `NAMEUSec` in microseconds. Throws
/// invalid_config at /annotations/….
std::vector<UnitProperty> annotated_properties(const std::map<std::string, std::string>& annotations);

}  // namespace ocx::cgroups
