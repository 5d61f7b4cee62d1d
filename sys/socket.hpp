// Unix sockets: the handshake pair, the start gate, descriptors sent along.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

/// Two connected SOCK_SEQPACKET ends.
std::pair<UniqueFd, UniqueFd> socketpair_seqpacket();

struct Packet {
  std::string data;  // empty and no fds: the peer has closed
  std::vector<UniqueFd> fds;
  bool closed = false;
};
/// One message, whole (no partial sends on these sockets). EPIPE is an error, not a signal.
void send_packet(FdRef socket, std::string_view data, const std::vector<FdRef>& fds = {});
/// One message of at most `limit` bytes (which is 128 KiB at most) and 16 descriptors; more is an error (the
/// peer is not trusted).
Packet receive_packet(FdRef socket, std::size_t limit);

/// Connects to an AF_UNIX stream socket (console-socket and the like; path at most 107 bytes).
UniqueFd connect_unix(const std::string& path);
/// A listening SOCK_SEQPACKET socket bound to `name` (0600) in `directory` (through /proc/self/fd, so that
/// length never matters).
UniqueFd listen_unix(FdRef directory, const std::string& name);
UniqueFd connect_unix(FdRef directory, const std::string& name);
UniqueFd accept(FdRef listener);

/// A bound SOCK_DGRAM socket `name` in `directory`, for sd_notify(3); the name gets `mode`, whatever the
/// umask.
UniqueFd bind_datagram(FdRef directory, const std::string& name, mode_t mode);
/// One datagram to a path, or to an abstract name written "@name".
void send_datagram(const std::string& address, std::string_view data, const std::vector<FdRef>& fds = {});

/// Waits until one of the descriptors is readable or hung up; returns its index, or -1 after timeout_ms (-1:
/// for ever).
int poll_readable(const std::vector<FdRef>& fds, int timeout_ms);
struct PollEntry {
  FdRef fd;
  short events;        // POLLIN, POLLOUT
  bool ready = false;  // one of them, or hung up, or an error
};
/// poll(2); fills `ready` of each. False after timeout_ms (-1: for ever).
bool poll(std::vector<PollEntry>& entries, int timeout_ms);

}  // namespace ocx::sys
