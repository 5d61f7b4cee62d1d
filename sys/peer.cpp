#include "sys/peer.hpp"

#include <sys/socket.h>

#include "sys/error.hpp"

namespace ocx::sys {

pid_t peer_pid(FdRef socket) {
  ::ucred credentials{};
  ::socklen_t size = sizeof credentials;
  if (::getsockopt(socket.raw(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    throw_errno("getsockopt SO_PEERCRED");
  return credentials.pid;
}

}  // namespace ocx::sys
