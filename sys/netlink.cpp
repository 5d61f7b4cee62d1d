#include "sys/netlink.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

constexpr std::size_t largest_attribute = UINT16_MAX - NLA_HDRLEN;
/// Nothing that is asked here needs more.
constexpr std::size_t largest_message = 128U << 10U;
/// The kernel fills a datagram of a dump up to 32 KiB.
constexpr std::size_t buffer_size = 128U << 10U;
constexpr int dump_attempts = 16;

std::size_t aligned(std::size_t size) {
  return (size + NLA_ALIGNTO - 1) & ~std::size_t{NLA_ALIGNTO - 1};
}

template <typename Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

/// The kernel's words behind an error: nlmsgerr, the request's header, then attributes.
std::string words_of(const NetlinkMessage& message) {
  if ((message.flags & NLM_F_ACK_TLVS) == 0) return {};
  const auto error = message.body<nlmsgerr>();
  if (!error) return {};
  // Unless capped, the request itself lies between.
  std::size_t before = sizeof(nlmsgerr);
  if ((message.flags & NLM_F_CAPPED) == 0 && error->msg.nlmsg_len > sizeof(nlmsghdr))
    before += aligned(error->msg.nlmsg_len) - sizeof(nlmsghdr);
  for (const NetlinkAttribute& attribute : parse_netlink_attributes(message.content, before))
    if (attribute.type == NLMSGERR_ATTR_MSG) return attribute.text();
  return {};
}

UniqueFd open_route_socket() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) throw_errno("socket AF_NETLINK");
  const int on = 1;
  // Words with errors (Linux 4.12), without the request repeated (4.3), and dumps filtered by the kernel
  // (4.20): each is done without where it is missing.
  for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK})
    ::setsockopt(fd.ref().raw(), SOL_NETLINK, option, &on, sizeof on);
  return fd;
}

}  // namespace

void NetlinkRequest::append(std::string_view bytes) {
  content_.append(bytes);
  content_.resize(aligned(content_.size()));
}

NetlinkRequest& NetlinkRequest::add(std::uint16_t attribute, std::string_view value) {
  if (value.size() > largest_attribute || content_.size() + value.size() > largest_message)
    throw_errno("netlink attribute of " + std::to_string(value.size()) + " bytes", EMSGSIZE);
  const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), attribute};
  content_.append(bytes_of(header));
  append(value);
  return *this;
}

NetlinkRequest& NetlinkRequest::add_number(std::uint16_t attribute, std::uint32_t value) {
  return add(attribute, bytes_of(value));
}

NetlinkRequest& NetlinkRequest::add_text(std::uint16_t attribute, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) throw_errno("netlink attribute with a NUL in it", EINVAL);
  std::string text(value);
  text += '\0';
  return add(attribute, text);
}

std::string NetlinkRequest::message(std::uint16_t more_flags, std::uint32_t sequence) const {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + content_.size());
  header.nlmsg_type = type_;
  header.nlmsg_flags = static_cast<std::uint16_t>(flags_ | more_flags);
  header.nlmsg_seq = sequence;
  return std::string(bytes_of(header)) + content_;
}

std::optional<std::uint32_t> NetlinkAttribute::number() const {
  std::uint32_t number = 0;
  if (value.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

std::string NetlinkAttribute::text() const {
  return std::string(value.substr(0, value.find('\0')));
}

std::vector<NetlinkMessage> parse_netlink_messages(std::string_view datagram) {
  std::vector<NetlinkMessage> messages;
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header;
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) break;
    messages.push_back({header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq,
                        std::string(datagram.substr(sizeof header, header.nlmsg_len - sizeof header))});
    datagram.remove_prefix(std::min(aligned(header.nlmsg_len), datagram.size()));
  }
  return messages;
}

std::vector<NetlinkAttribute> parse_netlink_attributes(std::string_view content, std::size_t body_size) {
  std::vector<NetlinkAttribute> attributes;
  content.remove_prefix(std::min(aligned(body_size), content.size()));
  while (content.size() >= NLA_HDRLEN) {
    nlattr header;
    std::memcpy(&header, content.data(), sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > content.size()) break;
    attributes.push_back({static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                          content.substr(NLA_HDRLEN, header.nla_len - NLA_HDRLEN)});
    content.remove_prefix(std::min(aligned(header.nla_len), content.size()));
  }
  return attributes;
}

NetlinkSocket::NetlinkSocket() : socket_(open_route_socket()) {}

std::string NetlinkSocket::receive() {
  buffer_.resize(buffer_size);
  for (;;) {
    sockaddr_nl sender{};
    socklen_t size = sizeof sender;
    const ssize_t count = ::recvfrom(socket_.ref().raw(), buffer_.data(), buffer_.size(), MSG_TRUNC,
                                     reinterpret_cast<sockaddr*>(&sender), &size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("receive from netlink");
    if (sender.nl_pid != 0) continue;  // another process's: only the kernel is asked
    if (static_cast<std::size_t>(count) > buffer_.size()) throw_errno("receive from netlink", EMSGSIZE);
    return buffer_.substr(0, static_cast<std::size_t>(count));
  }
}

NetlinkAnswer NetlinkSocket::collect(std::uint32_t sequence, bool is_dump) {
  NetlinkAnswer answer;
  for (;;) {
    const std::vector<NetlinkMessage> messages = parse_netlink_messages(receive());
    if (messages.empty()) throw_errno("netlink answer", EBADMSG);
    for (const NetlinkMessage& message : messages) {
      if (message.sequence != sequence) continue;  // of a request before, which was given up
      if (message.flags & NLM_F_DUMP_INTR) answer.error_number = EINTR;
      const bool done = message.type == NLMSG_DONE;
      if (!done && message.type != NLMSG_ERROR) {
        answer.messages.push_back(message);
        continue;
      }
      const auto code = message.body<std::int32_t>();
      if (!code && !done) throw_errno("netlink answer", EBADMSG);
      if (const int error = -code.value_or(0); error != 0) {
        answer.error_number = error;
        answer.words = done ? "" : words_of(message);
      }
      if (done || !is_dump || answer.error_number != 0) return answer;
    }
  }
}

NetlinkAnswer NetlinkSocket::ask(const NetlinkRequest& request) {
  const bool is_dump = (request.flags() & NLM_F_DUMP) == NLM_F_DUMP;
  const std::string message =
      request.message(static_cast<std::uint16_t>(NLM_F_REQUEST | (is_dump ? 0 : NLM_F_ACK)), ++sequence_);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  while (::sendto(socket_.ref().raw(), message.data(), message.size(), 0,
                  reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0)
    if (errno != EINTR) throw_errno("send to netlink");
  return collect(sequence_, is_dump);
}

std::vector<NetlinkMessage> NetlinkSocket::dump(const NetlinkRequest& request, const std::string& what) {
  for (int attempt = 0;; ++attempt) {
    NetlinkAnswer answer = ask(request);
    if (answer) return std::move(answer.messages);
    if (answer.error_number != EINTR || attempt == dump_attempts) throw_errno(what, answer.error_number);
  }
}

}  // namespace ocx::sys
