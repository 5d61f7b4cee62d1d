// Properties of a unit into a D-Bus message.
#pragma once

#include <systemd/sd-bus.h>

#include <vector>

#include "cgroups/systemd_request.hpp"

namespace ocx::helper {

/// Appends a(sv). Throws ocx::Error for tokens that don't fit their signature, BusError for what sd-bus
/// refuses.
void append_properties(sd_bus_message* message, const std::vector<cgroups::UnitProperty>& properties);

}  // namespace ocx::helper
