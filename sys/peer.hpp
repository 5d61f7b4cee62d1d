// Who is at the other end of a socket.
#pragma once

#include <sys/types.h>

#include "sys/fd.hpp"

namespace ocx::sys {

/// The process that made the socket pair, or connected (SO_PEERCRED, unix(7)).
pid_t peer_pid(FdRef socket);

}  // namespace ocx::sys
