// What a hostile init could send: decode_error() takes any bytes, Channel gives a message that is due or an
// error.
#include <fcntl.h>

#include <cstddef>
#include <cstdint>

#include "runtime/handshake.hpp"
#include "sys/file.hpp"
#include "sys/socket.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace ocx;
using namespace ocx::fuzz;

void check_error(std::string_view bytes) {
  const Error error = runtime::decode_error(bytes);
  require(error.kind() <= ErrorKind::wrong_state);
  const Error again = runtime::decode_error(runtime::encode_error(error));
  require(again.kind() == error.kind() && again.error_number() == error.error_number());
  require(again.message() == error.message().substr(0, 8192) && again.origin() == error.origin() &&
          again.hint() == error.hint());
}

/// One packet: its length in a byte, how many descriptors it has in another, then its bytes; with `valid` a
/// right header is put before them.
struct Script {
  std::string_view rest;
  std::uint32_t sequence = 0;

  unsigned byte() {
    if (rest.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    return value;
  }
  std::string packet() {
    const unsigned type = byte(), size = byte();
    const std::string payload(rest.substr(0, size));
    rest.remove_prefix(payload.size());
    if ((type & 0x80U) != 0) return payload;
    const std::uint32_t header[] = {type, sequence++, static_cast<std::uint32_t>(payload.size())};
    return std::string(reinterpret_cast<const char*>(header), sizeof header) + payload;
  }
};

void converse(std::string_view bytes) {
  auto [ours, theirs] = sys::socketpair_seqpacket();
  const sys::UniqueFd extra = sys::openat(sys::FdRef::cwd(), "/dev/null", O_RDONLY);
  Script script{bytes};
  std::size_t sent = 0;
  for (; sent < 8 && !script.rest.empty(); ++sent) {
    const std::vector<sys::FdRef> fds(script.byte() % 17, extra.ref());
    const std::string packet = script.packet();
    if (!packet.empty() || !fds.empty()) sys::send_packet(theirs, packet, fds);
  }
  theirs.reset();
  runtime::Channel channel(std::move(ours));
  for (std::size_t received = 0; received <= sent; ++received) {
    try {
      const runtime::Message message = channel.receive();
      require(message.fds.size() <= 16);
    } catch (const runtime::PeerGone&) {
      return;
    } catch (const Error&) {
    }
  }
  require(false);  // more messages than were sent
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_error(bytes);
  converse(bytes);
  return 0;
}
