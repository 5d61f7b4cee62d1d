// The text of resctrl's files (kernel doc filesystems/resctrl).
#pragma once

#include <string>
#include <string_view>

namespace ocx::cgroups {

/// The step in percent of memory bandwidth, to which the kernel rounds up (info/MB/bandwidth_gran); 1 where
/// it has none.
unsigned read_bandwidth_step(const std::string& root);

/// The line of a schemata file for a resource ("L3", "MB"), without its padding; "" without one. With code
/// and data apart "L3" is both lines, "L3CODE" and "L3DATA", joined by a line break.
std::string schemata_line(std::string_view schemata, std::string_view resource);

}  // namespace ocx::cgroups
