// A directory under construction, which appears under its name when it is complete, or leaves nothing.
#pragma once

#include <string>

#include "sys/fd.hpp"

namespace ocx::sys {

class TemporaryDirectory {
 public:
  /// Makes `.NAME.DIGITS` (0700) in `parent`, an absolute path of an existing directory, and holds its flock
  /// (the descriptor's): who takes it later knows that its maker is gone.
  TemporaryDirectory(const std::string& parent, const std::string& name);
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  /// Removes it with all its content, unless it was published; what can't be removed is logged.
  ~TemporaryDirectory();

  FdRef fd() const { return directory_; }
  const std::string& path() const { return path_; }
  /// rename(2) to a name in the same parent, which may be an empty directory. 0 or errno (ENOTEMPTY, EEXIST:
  /// it has content).
  int try_publish(const std::string& name);

 private:
  UniqueFd parent_, directory_;
  std::string name_, path_;
};

/// Removes what makers that were killed have left of `.NAME.*` in the directory; no error when there is none.
void remove_abandoned(const std::string& parent, const std::string& name);

}  // namespace ocx::sys
