// rtnetlink(7): requests with checked lengths, answers that are believed in nothing. netlink(7) has the
// format: a header, the body of the message's family, then attributes of type, 16-bit length and value.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::sys {

/// One request. A value that does not fit the 16 bits of its length is an error, never cut (CVE-2021-43784).
class NetlinkRequest {
 public:
  /// `flags` beside NLM_F_REQUEST and NLM_F_ACK, which NetlinkSocket sets. `body`: ifinfomsg and the like.
  template <typename Body>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Body& body) : type_(type), flags_(flags) {
    static_assert(std::is_trivially_copyable_v<Body>);
    append(std::string_view(reinterpret_cast<const char*>(&body), sizeof body));
  }

  /// Error (EMSGSIZE): more than 65531 bytes, or more than a message may have.
  NetlinkRequest& add(std::uint16_t attribute, std::string_view value);
  NetlinkRequest& add_number(std::uint16_t attribute, std::uint32_t value);
  /// With its final NUL. Error (EINVAL): another NUL is in it.
  NetlinkRequest& add_text(std::uint16_t attribute, std::string_view value);

  std::uint16_t type() const { return type_; }
  std::uint16_t flags() const { return flags_; }
  /// The whole message with its header.
  std::string message(std::uint16_t more_flags, std::uint32_t sequence) const;

 private:
  void append(std::string_view bytes);

  std::uint16_t type_, flags_;
  std::string content_;
};

/// One message of an answer.
struct NetlinkMessage {
  std::uint16_t type = 0, flags = 0;
  std::uint32_t sequence = 0;
  std::string content;  // without the header

  /// The fixed body at its start; nothing when it is shorter.
  template <typename Body>
  std::optional<Body> body() const {
    static_assert(std::is_trivially_copyable_v<Body>);
    if (content.size() < sizeof(Body)) return std::nullopt;
    Body body;
    std::memcpy(&body, content.data(), sizeof body);
    return body;
  }
};

struct NetlinkAttribute {
  std::uint16_t type = 0;  // without the NESTED and NET_BYTEORDER bits
  std::string_view value;

  std::optional<std::uint32_t> number() const;  // 32 bits, nothing for another size
  std::string text() const;                     // up to the first NUL
};

/// Messages of one datagram. What is malformed ends the list.
std::vector<NetlinkMessage> parse_netlink_messages(std::string_view datagram);
/// Attributes behind a body of that size; malformed ones end the list. They refer to `content`.
std::vector<NetlinkAttribute> parse_netlink_attributes(std::string_view content, std::size_t body_size);

struct NetlinkAnswer {
  int error_number = 0;
  std::string words;  // the kernel's, about the error (extended acknowledgement, Linux 4.12), or ""
  std::vector<NetlinkMessage> messages;
  explicit operator bool() const { return error_number == 0; }
};

/// A NETLINK_ROUTE socket: for ever one of the network namespace in which it was made.
class NetlinkSocket {
 public:
  NetlinkSocket();
  /// Sends, and waits for all of the answer. What the kernel refuses is in it; exceptions are for what never
  /// should be, as a lost or a malformed answer.
  NetlinkAnswer ask(const NetlinkRequest& request);
  /// NLM_F_DUMP: the whole table. Repeats what was interrupted by a change. Throws with `what` for errors.
  std::vector<NetlinkMessage> dump(const NetlinkRequest& request, const std::string& what);

 private:
  NetlinkAnswer collect(std::uint32_t sequence, bool is_dump);
  std::string receive();

  UniqueFd socket_;
  std::uint32_t sequence_ = 0;
  std::string buffer_;
};

}  // namespace ocx::sys
