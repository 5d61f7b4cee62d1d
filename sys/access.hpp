// Whether this process may execute a file.
#pragma once

#include <string>

namespace ocx::sys {

struct ExecuteAccess {
  int error_number = 0;  // 0: a regular file that may be executed; EISDIR, EACCES, ENOENT, ENOTDIR, ELOOP, …
  bool found = false;    // there is something of that name
};
/// By the effective ids and capabilities (faccessat2(2), Linux 5.8; by the real ones before), mounts without
/// exec included.
ExecuteAccess execute_access(const std::string& path);

}  // namespace ocx::sys
