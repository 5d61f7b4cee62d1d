// Network interfaces by ioctl(2) (netdevice(7)).
#pragma once

#include <string>

namespace ocx::sys {

/// Brings an interface of this network namespace up (SIOCSIFFLAGS). At most 15 bytes of name.
void set_interface_up(const std::string& name);

}  // namespace ocx::sys
