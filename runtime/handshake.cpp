#include "runtime/handshake.hpp"

#include <cstring>

#include "sys/socket.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t message_limit = 64U * 1024U;

struct Header {
  std::uint32_t type, sequence, size;
};

void put_text(std::string& out, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

void put_number(std::string& out, std::uint32_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Reads what put_* wrote; past the end it gives zeros and empty texts.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::uint32_t number() {
    std::uint32_t value = 0;
    if (rest_.size() < sizeof value) return 0;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const std::size_t wanted = number();  // consumes its four bytes before rest_ is measured
    const std::size_t size = std::min(wanted, rest_.size());
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::string encode_error(const Error& error) {
  // Contexts grow while unwinding; what is cut is the far end, never the packet.
  constexpr std::size_t part = 8192;
  std::string bytes;
  put_number(bytes, static_cast<std::uint32_t>(error.kind()));
  put_number(bytes, static_cast<std::uint32_t>(error.error_number()));
  put_text(bytes, std::string_view(error.message()).substr(0, part));
  put_text(bytes, std::string_view(error.origin()).substr(0, part));
  put_text(bytes, std::string_view(error.hint()).substr(0, part));
  return bytes;
}

Error decode_error(std::string_view bytes) {
  Reader in(bytes);
  const std::uint32_t kind = in.number();
  const auto error_number = static_cast<int>(in.number());
  const std::string message = in.text(), origin = in.text(), hint = in.text();
  Error error = kind <= static_cast<std::uint32_t>(ErrorKind::wrong_state)
                    ? Error(message, static_cast<ErrorKind>(kind), error_number)
                    : Error(message);
  error.at(origin).hint(hint);
  return error;
}

void Channel::send(MessageType type, std::string_view payload, const std::vector<sys::FdRef>& fds) {
  const Header header{static_cast<std::uint32_t>(type), sent_++, static_cast<std::uint32_t>(payload.size())};
  std::string packet(reinterpret_cast<const char*>(&header), sizeof header);
  packet.append(payload);
  sys::send_packet(socket_, packet, fds);
}

void Channel::send_error(const Error& error) {
  send(MessageType::error, encode_error(error));
}

Message Channel::receive() {
  sys::Packet packet = sys::receive_packet(socket_, message_limit);
  if (packet.closed) throw PeerGone();
  Header header{};
  if (packet.data.size() < sizeof header)
    throw Error("handshake: message of " + std::to_string(packet.data.size()) + " bytes");
  std::memcpy(&header, packet.data.data(), sizeof header);
  if (header.sequence != received_++ || header.size != packet.data.size() - sizeof header)
    throw Error("handshake: message out of sequence or of a wrong size");
  Message message{static_cast<MessageType>(header.type), packet.data.substr(sizeof header),
                  std::move(packet.fds)};
  if (message.type == MessageType::error) throw decode_error(message.payload);
  return message;
}

Message Channel::expect(MessageType type) {
  Message message = receive();
  if (message.type != type)
    throw Error("handshake: message " + std::to_string(static_cast<unsigned>(message.type)) + " is not due");
  return message;
}

}  // namespace ocx::runtime
