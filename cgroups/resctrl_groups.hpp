// What a container has in resctrl (kernel doc filesystems/resctrl): kept in its record.
#pragma once

#include <string>

namespace ocx::cgroups {

/// Absolute directories; all empty without linux.intelRdt.
struct ResctrlGroups {
  std::string root;       // where resctrl is mounted
  std::string directory;  // the control group (CLOS); the root itself for closID "/"
  bool made = false;      // by this container and for it alone: goes with it
  std::string monitor;    // its monitoring group; empty: none asked for
  bool empty() const { return directory.empty(); }
  bool operator==(const ResctrlGroups&) const = default;
};

}  // namespace ocx::cgroups
