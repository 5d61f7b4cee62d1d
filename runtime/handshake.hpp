// The conversation of the parent and init over one SOCK_SEQPACKET pair.
//
//   parent                                            init
//     | clone3 ---------------------------------------->|
//     | id maps                                          |
//     |------------------ id_maps_written -------------->|   new user namespace only
//     | cgroup.procs (v1)                                |   … init mounts meanwhile …
//     |------------------ cgroup_joined ---------------->|   unless cloned into the cgroup
//     |<------- request_tree or request_idmapped --------|   only for what init may not do
//     |------------------ tree (1 fd) ------------------>|
//     |<----------------- rootfs_ready ------------------|
//     | limits, prestart and createRuntime hooks         |
//     |------------------ hooks_done ------------------->|   only with limits or such hooks
//     |                                                  | createContainer hooks, pivot, …
//     |<----------------- console (1 fd) ----------------|   terminal only
//     |------------------ seccomp ---------------------->|   at any time before; with a filter only
//     |<----------------- listener (1 fd) ---------------|   a filter with notifications only
//     |<----------------- ready -------------------------|
//     | rlimits, state, pid file                         |
//     |------------------ commit or start -------------->|   create: wait at the gate; run: go on
//     |                                                  | startContainer hooks, exec
//     |<----------------- error, or end of file ---------|   at any time instead of the message due
//
// What comes from init is not trusted: every message is typed, sized, numbered in sequence, and of a type
// that is due. The start gate (state_store.hpp) speaks the same messages: `start` one way, `error` or end of
// file back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sys/error.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

enum class MessageType : std::uint32_t {
  id_maps_written = 1,
  cgroup_joined,
  request_tree,
  tree,
  rootfs_ready,
  hooks_done,
  console,
  ready,
  commit,
  start,
  error,
  seccomp,           // parent to init: the compiled filter, as soon as there is one
  listener,          // init to parent (1 fd): whoever answers the filter's notifications needs it
  request_idmapped,  // init to parent: a mount whose ids are mapped, by its origin; answered by `tree`
};

struct Message {
  MessageType type = MessageType::error;
  std::string payload;
  std::vector<sys::UniqueFd> fds;
};

/// One end of the conversation.
class Channel {
 public:
  Channel() = default;
  explicit Channel(sys::UniqueFd socket) : socket_(std::move(socket)) {}

  void send(MessageType type, std::string_view payload = {}, const std::vector<sys::FdRef>& fds = {});
  void send_error(const Error& error);
  /// The next message. A message of type `error` is thrown as the Error it carries. Throws PeerGone at end of
  /// file.
  Message receive();
  /// The next message, which must be of this type.
  Message expect(MessageType type);

  sys::FdRef fd() const { return socket_; }
  void close() { socket_.reset(); }

 private:
  sys::UniqueFd socket_;
  std::uint32_t sent_ = 0, received_ = 0;
};

/// The other end closed without a word: it died, or (after `start`) exec succeeded.
class PeerGone : public Error {
 public:
  PeerGone() : Error("the other process closed the conversation") {}
};

/// An Error as bytes and back; decoding tolerates anything.
std::string encode_error(const Error& error);
Error decode_error(std::string_view bytes);

}  // namespace ocx::runtime
