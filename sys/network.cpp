#include "sys/network.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/text.hpp"

namespace ocx::sys {

void set_interface_up(const std::string& name) {
  ifreq request{};
  if (name.size() >= sizeof(request.ifr_name)) throw_errno("interface name " + quote(name), ENAMETOOLONG);
  std::memcpy(request.ifr_name, name.data(), name.size());
  // Any socket does; AF_UNIX exists in kernels without IPv4 too.
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throw_errno("socket AF_UNIX");
  if (::ioctl(socket.ref().raw(), SIOCGIFFLAGS, &request) != 0)
    throw_errno("ioctl SIOCGIFFLAGS " + quote(name));
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(socket.ref().raw(), SIOCSIFFLAGS, &request) != 0)
    throw_errno("ioctl SIOCSIFFLAGS " + quote(name));
}

}  // namespace ocx::sys
