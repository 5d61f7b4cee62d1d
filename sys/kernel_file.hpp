// A file of cgroupfs or sysfs that announces its changes.
#pragma once

#include <string>

#include "sys/fd.hpp"

namespace ocx::sys {

/// Reads one kernfs file again and again and sleeps between changes (cgroups(7): cgroup.events generates
/// POLLPRI).
class KernelFile {
 public:
  explicit KernelFile(UniqueFd file) : file_(std::move(file)) {}
  /// The whole content, at most 4096 bytes. Error ENODEV: the cgroup is gone.
  std::string read() const;
  /// Waits for a change since the last read(); false when the time is over.
  bool wait_for_change(int timeout_ms) const;
  /// To poll for POLLPRI beside others; ready for ever once the cgroup is gone.
  FdRef fd() const { return file_; }

 private:
  UniqueFd file_;
};

}  // namespace ocx::sys
