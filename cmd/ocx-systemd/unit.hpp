// The life of one unit: start, change, stop. Every wait ends.
#pragma once

#include <string>
#include <vector>

#include "cgroups/systemd_request.hpp"
#include "cmd/ocx-systemd/bus.hpp"

namespace ocx::helper {

/// Does what the request asks. Failures are in the reply.
cgroups::UnitReply serve(const Bus& bus, cgroups::UnitRequest request);

}  // namespace ocx::helper
