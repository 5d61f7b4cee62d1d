// ocx-systemd, the program that speaks D-Bus for ocx: started, asked, ended.
#pragma once

#include <string>
#include <vector>

#include "cgroups/systemd_request.hpp"
#include "sys/error.hpp"
#include "sys/spawn.hpp"

namespace ocx::cgroups {

/// Where ocx-systemd may be, in the order to try: beside the running executable (a build directory), or in
/// ../libexec/ocx from there. A sealed copy has no place in the file system, and takes $OCX_EXECUTABLE, which
/// the re-execution sets.
std::vector<std::string> client_programs();

class SystemdClient {
 public:
  /// Starts the program, which connects to systemd meanwhile. `user`: the manager of this user. Error:
  /// unsupported, not installed.
  explicit SystemdClient(bool user);
  SystemdClient(const SystemdClient&) = delete;
  SystemdClient& operator=(const SystemdClient&) = delete;
  ~SystemdClient();

  /// One request and its reply, bounded by job_ms + grace_ms. Warnings are logged. Errors name what was asked
  /// for, and carry the origin of the property that systemd refused.
  UnitReply ask(const UnitRequest& request);

 private:
  Error failure(const UnitRequest& request, const UnitReply& reply) const;

  bool user_;
  sys::UniqueFd socket_;
  sys::Spawned program_;
};

}  // namespace ocx::cgroups
