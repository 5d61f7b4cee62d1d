// Which descriptors the payload gets, and the services' sockets of systemd: LISTEN_FDS, NOTIFY_SOCKET.
#pragma once

#include <string>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::runtime {

/// At the start of create/run: marks every inherited descriptor above 2 close-on-exec except 3 .. 2+keep.
void sanitise_inherited(unsigned keep);
/// In a child that was cloned: closes what the parent had open and the child has no use for: the state
/// directory (its lock would outlive the command), cgroup directories, the parent's end of the handshake (or
/// end of file would never be seen). Kept are `wanted` (negative ones don't count) and 0 .. 2+passed.
void keep_only(std::vector<int> wanted, unsigned passed);
/// In init, last before exec: closes (not merely marks; CVE-2024-21626) every descriptor above 2+keep, except
/// `except` (which is close-on-exec and reports a failed exec).
void sweep_descriptors(unsigned keep, int except);

/// LISTEN_FDS of the environment, 0 when absent or malformed.
unsigned listen_fds();

/// sd_notify proxy for `start` and foreground `run`: the socket in <state>/notify that is bound to
/// /run/notify in the container.
class NotifyProxy {
 public:
  /// Makes <state>/notify/notify.sock, mode 0777.
  NotifyProxy(sys::FdRef state_directory, std::string outer_socket);
  /// Waits for READY=1 from the container while `pidfd` lives, then forwards READY, MAINPID=<pid> and a
  /// barrier (30 s cap) to the outer NOTIFY_SOCKET.
  void forward_until_ready(sys::FdRef pidfd, int pid);

 private:
  sys::UniqueFd socket_;
  std::string outer_;
};

}  // namespace ocx::runtime
