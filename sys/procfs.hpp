// /proc that nobody has tampered with: one descriptor, checked to be the root of a procfs, resolved without
// crossing mounts or following magic links (CVE-2019-16884, CVE-2025-52881).
#pragma once

#include <string>
#include <string_view>

#include "sys/fd.hpp"
#include "sys/file.hpp"

namespace ocx::sys {

class Procfs {
 public:
  /// The host's /proc as seen now; call before anything of a container is mounted. Error when it is not a
  /// procfs.
  static Procfs open_host();
  explicit Procfs(UniqueFd root) : root_(std::move(root)) {}

  FdResult try_open(const std::string& path, int flags) const;
  UniqueFd open(const std::string& path, int flags) const;
  std::string read(const std::string& path) const;
  void write(const std::string& path, std::string_view value) const;
  int try_write(const std::string& path, std::string_view value) const;  // 0 or errno
  FdRef fd() const { return root_; }

 private:
  UniqueFd root_;
};

}  // namespace ocx::sys
