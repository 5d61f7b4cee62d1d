#include "runtime/handshake.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <cstring>
#include <random>

#include "sys/file.hpp"
#include "sys/socket.hpp"

using namespace ocx;
using namespace ocx::runtime;

namespace {

struct Ends {
  Ends() {
    auto [left, right] = sys::socketpair_seqpacket();
    parent = Channel(std::move(left));
    init = Channel(std::move(right));
  }
  Channel parent, init;
};

std::string packet(std::uint32_t type, std::uint32_t sequence, std::uint32_t size, std::string_view payload) {
  const std::uint32_t header[] = {type, sequence, size};
  std::string bytes(reinterpret_cast<const char*>(header), sizeof header);
  return bytes.append(payload);
}

// The message of the error the parent meets when init sends these bytes.
std::string refusal(std::string_view bytes) {
  Ends ends;
  sys::send_packet(ends.init.fd(), bytes);
  try {
    ends.parent.expect(MessageType::ready);
  } catch (const PeerGone&) {
    return "gone";
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

constexpr auto ready = static_cast<std::uint32_t>(MessageType::ready);

}  // namespace

TEST_CASE("messages arrive as they were sent, in order") {
  Ends ends;
  ends.parent.send(MessageType::id_maps_written);
  ends.parent.send(MessageType::tree, std::string("a\0b", 3));
  ends.init.send(MessageType::ready, "x");
  CHECK(ends.init.expect(MessageType::id_maps_written).payload.empty());
  CHECK(ends.init.expect(MessageType::tree).payload == std::string("a\0b", 3));
  CHECK(ends.parent.expect(MessageType::ready).payload == "x");
}

TEST_CASE("descriptors come along, close-on-exec") {
  Ends ends;
  const sys::UniqueFd null = sys::openat(sys::FdRef::cwd(), "/dev/null", O_RDWR | O_CLOEXEC);
  ends.init.send(MessageType::console, {}, {null});
  const Message message = ends.parent.expect(MessageType::console);
  REQUIRE(message.fds.size() == 1);
  CHECK(sys::fstat(message.fds[0]).st_rdev == sys::fstat(null).st_rdev);
  CHECK((::fcntl(message.fds[0].ref().raw(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a message that is not due is refused") {
  Ends ends;
  ends.init.send(MessageType::rootfs_ready);
  CHECK_THROWS_WITH(ends.parent.expect(MessageType::ready), Catch::Contains("not due"));
}

TEST_CASE("the end of the other is told from an error") {
  Ends ends;
  ends.init.close();
  CHECK_THROWS_AS(ends.parent.receive(), PeerGone);
}

TEST_CASE("what is sent before the end is still read") {
  Ends ends;
  ends.init.send(MessageType::ready);
  ends.init.close();
  ends.parent.expect(MessageType::ready);
  CHECK_THROWS_AS(ends.parent.receive(), PeerGone);
}

TEST_CASE("what is sent before the end is read although ours was not") {
  Ends ends;
  ends.parent.send(MessageType::cgroup_joined);
  ends.init.send_error(Error("mount \"/proc\" failed"));
  ends.init.close();
  SECTION("by the next read") {}
  SECTION("also when another message finds the end first") {
    CHECK_THROWS_WITH(ends.parent.send(MessageType::hooks_done), Catch::EndsWith("broken pipe"));
  }
  CHECK_THROWS_WITH(ends.parent.receive(), "mount \"/proc\" failed");
  CHECK_THROWS_AS(ends.parent.receive(), PeerGone);
}

TEST_CASE("an error arrives whole: kind, errno, place and remedy") {
  Ends ends;
  Error sent = Error::from_errno("mount \"x\"", ENODEV);
  sent.at("/mounts/3").hint("do this").in("context");
  ends.init.send_error(sent);
  try {
    ends.parent.expect(MessageType::ready);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.error_number() == ENODEV);
    CHECK(error.origin() == "/mounts/3");
    CHECK(error.hint() == "do this");
    CHECK(std::string(error.what()) == sent.what());
  }
}

TEST_CASE("every kind survives") {
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::wrong_state); ++kind)
    CHECK(decode_error(encode_error(Error("m", static_cast<ErrorKind>(kind)))).kind() ==
          static_cast<ErrorKind>(kind));
}

TEST_CASE("an endless message is cut, never too large for a packet") {
  Error sent(std::string(1 << 20, 'm'));
  sent.at(std::string(1 << 20, 'o')).hint(std::string(1 << 20, 'h'));
  Ends ends;
  ends.init.send_error(sent);
  try {
    ends.parent.receive();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.message().size() > 1000);
    CHECK(error.message().size() < 64 * 1024);
    CHECK(error.origin()[0] == 'o');
  }
}

TEST_CASE("hostile packets are refused") {
  CHECK(refusal(packet(ready, 0, 0, "")) == "accepted");
  struct Row {
    const char* what;
    std::string bytes;
  };
  const Row rows[] = {{"one byte", "x"},
                      {"half a header", packet(ready, 0, 0, "").substr(0, 11)},
                      {"a wrong sequence", packet(ready, 1, 0, "")},
                      {"the last sequence", packet(ready, ~0U, 0, "")},
                      {"a size above the payload", packet(ready, 0, 5, "abcd")},
                      {"a size below the payload", packet(ready, 0, 3, "abcd")},
                      {"an absurd size", packet(ready, 0, ~0U, "")},
                      {"type 0", packet(0, 0, 0, "")},
                      {"an unknown type", packet(99, 0, 0, "")},
                      {"the largest type", packet(~0U, 0, 0, "")},
                      {"an empty error", packet(static_cast<std::uint32_t>(MessageType::error), 0, 0, "")},
                      {"a byte above the limit", packet(ready, 0, 64 * 1024, std::string(64 * 1024, 'x'))}};
  for (const Row& row : rows) {
    INFO(row.what);
    const std::string answer = refusal(row.bytes);
    CHECK(answer != "accepted");
    CHECK(answer != "gone");
  }
}

TEST_CASE("a repeated message is refused") {
  Ends ends;
  const std::string bytes = packet(ready, 0, 0, "");
  sys::send_packet(ends.init.fd(), bytes);
  sys::send_packet(ends.init.fd(), bytes);
  ends.parent.expect(MessageType::ready);
  CHECK_THROWS_WITH(ends.parent.expect(MessageType::ready), Catch::Contains("sequence"));
}

TEST_CASE("decoding an error tolerates every prefix and anything else") {
  Error sent = Error::from_errno("call", EPERM);
  sent.at("/a").hint("b");
  const std::string bytes = encode_error(sent);
  for (size_t size = 0; size <= bytes.size(); ++size) decode_error(std::string_view(bytes).substr(0, size));
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string noise(random() % 64, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    const Error error = decode_error(noise);
    CHECK(error.message().size() <= noise.size());
  }
  std::string huge(8, '\0');
  huge += "\xff\xff\xff\xff";
  CHECK(decode_error(huge).message().empty());
}
