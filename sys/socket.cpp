#include "sys/socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

constexpr std::size_t max_descriptors = 16;
constexpr std::size_t largest_limit = 128U * 1024U;
constexpr std::size_t control_size = CMSG_SPACE(sizeof(int) * max_descriptors);

UniqueFd open_socket(int type) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno("socket AF_UNIX");
  return fd;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    throw_errno("unix socket path " + quote(path) + " is longer than 107 bytes", ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

std::string path_in(FdRef directory, const std::string& name) {
  return descriptor_path(directory) + "/" + name;
}

void connect_to(FdRef socket, const std::string& path, const std::string& shown) {
  const sockaddr_un address = address_of(path);
  while (::connect(socket.raw(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    if (errno != EINTR) throw_errno("connect to the unix socket " + quote(shown));
}

UniqueFd bind_in(FdRef directory, const std::string& name, int type, mode_t mode) {
  UniqueFd fd = open_socket(type);
  // The mode of the name is that of the socket (less the umask) when it is bound: no moment with another one.
  if (::fchmod(fd.ref().raw(), mode) != 0) throw_errno("fchmod a socket");
  const sockaddr_un address = address_of(path_in(directory, name));
  if (::bind(fd.ref().raw(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    throw_errno("bind the unix socket " + quote(name));
  return fd;
}

// Takes every descriptor out of the control data, so that none leaks even when the message is refused.
void take_descriptors(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(fd);
    }
  }
}

void put_descriptors(msghdr& message, char* control, const std::vector<FdRef>& fds) {
  if (fds.empty()) return;
  if (fds.size() > max_descriptors) throw Error("too many descriptors for one message");
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int fd = fds[i].raw();
    std::memcpy(CMSG_DATA(part) + i * sizeof(int), &fd, sizeof(int));
  }
}

void send_message(FdRef socket, std::string_view data, const std::vector<FdRef>& fds, const sockaddr_un* to) {
  alignas(cmsghdr) std::array<char, control_size> control{};
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (to != nullptr) {
    message.msg_name = const_cast<sockaddr_un*>(to);
    message.msg_namelen = sizeof(*to);
  }
  put_descriptors(message, control.data(), fds);
  ssize_t sent = -1;
  // ECONNRESET comes once, when the peer closed without reading all we sent: EPIPE from then on, the one
  // errno callers know.
  while ((sent = ::sendmsg(socket.raw(), &message, MSG_NOSIGNAL)) < 0)
    if (errno != EINTR && errno != ECONNRESET) throw_errno("sendmsg on a unix socket");
  if (static_cast<std::size_t>(sent) != data.size())
    throw Error("sendmsg on a unix socket: message cut short");
}

}  // namespace

std::pair<UniqueFd, UniqueFd> socketpair_seqpacket() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("socketpair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

void send_packet(FdRef socket, std::string_view data, const std::vector<FdRef>& fds) {
  send_message(socket, data, fds, nullptr);
}

Packet receive_packet(FdRef socket, std::size_t limit) {
  Packet packet;
  // Only the pages of a message are ever touched. A buffer of this size on the heap comes and goes with brk,
  // and is zeroed each time; on the stack it would not fit a small RLIMIT_STACK of the program's.
  static std::array<char, largest_limit> bytes;
  if (limit > bytes.size()) throw Error("a packet's limit is " + std::to_string(limit) + " bytes");
  alignas(cmsghdr) std::array<char, control_size> control{};
  iovec part{bytes.data(), limit};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = -1;
  // ECONNRESET comes once, when the peer closed without reading all we sent; what it had said before is still
  // there.
  while ((size = ::recvmsg(socket.raw(), &message, MSG_CMSG_CLOEXEC)) < 0)
    if (errno != EINTR && errno != ECONNRESET) throw_errno("recvmsg on a unix socket");
  take_descriptors(message, packet.fds);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    throw Error("message on a unix socket is larger than " + std::to_string(limit) +
                " bytes or 16 descriptors (or the limit of open files)");
  packet.data.assign(bytes.data(), static_cast<std::size_t>(size));
  packet.closed = packet.data.empty() && packet.fds.empty();
  return packet;
}

UniqueFd connect_unix(const std::string& path) {
  UniqueFd fd = open_socket(SOCK_STREAM);
  connect_to(fd, path, path);
  return fd;
}

UniqueFd listen_unix(FdRef directory, const std::string& name) {
  UniqueFd fd = bind_in(directory, name, SOCK_SEQPACKET, 0600);
  if (::listen(fd.ref().raw(), 1) != 0) throw_errno("listen on the unix socket " + quote(name));
  return fd;
}

UniqueFd connect_unix(FdRef directory, const std::string& name) {
  UniqueFd fd = open_socket(SOCK_SEQPACKET);
  connect_to(fd, path_in(directory, name), name);
  return fd;
}

UniqueFd accept(FdRef listener) {
  while (true) {
    UniqueFd fd(::accept4(listener.raw(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd) return fd;
    if (errno != EINTR) throw_errno("accept on a unix socket");
  }
}

UniqueFd bind_datagram(FdRef directory, const std::string& name, mode_t mode) {
  UniqueFd fd = bind_in(directory, name, SOCK_DGRAM, mode);
  if (::fchmodat(directory.raw(), name.c_str(), mode, 0) != 0) throw_errno("fchmodat " + quote(name));
  return fd;
}

void send_datagram(const std::string& address, std::string_view data, const std::vector<FdRef>& fds) {
  const UniqueFd socket = open_socket(SOCK_DGRAM);
  sockaddr_un to = address_of(address);
  // "@name" is how sd_notify(3) writes an address in the abstract name space. Shorter lengths would matter
  // there.
  if (address.empty() || address[0] != '@') return send_message(socket, data, fds, &to);
  to.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (::connect(socket.ref().raw(), reinterpret_cast<const sockaddr*>(&to), length) != 0)
    throw_errno("connect to the abstract unix socket " + quote(address));
  send_message(socket, data, fds, nullptr);
}

bool poll(std::vector<PollEntry>& entries, int timeout_ms) {
  std::vector<pollfd> kernel;
  kernel.reserve(entries.size());
  for (const PollEntry& entry : entries) kernel.push_back({entry.fd.raw(), entry.events, 0});
  const Deadline deadline(timeout_ms < 0 ? 0 : timeout_ms);
  int ready = -1;
  while ((ready = ::poll(kernel.data(), kernel.size(), timeout_ms < 0 ? -1 : deadline.remaining_ms())) < 0)
    if (errno != EINTR) throw_errno("poll");
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].ready = kernel[i].revents != 0;
  return ready > 0;
}

int poll_readable(const std::vector<FdRef>& fds, int timeout_ms) {
  std::vector<PollEntry> entries;
  entries.reserve(fds.size());
  for (const FdRef fd : fds) entries.push_back({fd, POLLIN});
  if (!poll(entries, timeout_ms)) return -1;
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (entries[i].ready) return static_cast<int>(i);
  return -1;
}

}  // namespace ocx::sys
