#include "sys/socket.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "sys/error.hpp"
#include "sys/file.hpp"

using namespace ocx;
using namespace ocx::sys;

namespace {

std::size_t open_descriptors() {
  return list_directory(openat(FdRef::cwd(), "/proc/self/fd", O_RDONLY | O_DIRECTORY)).size();
}

/// A directory whose path alone is longer than any socket address.
class DeepDirectory {
 public:
  DeepDirectory() {
    char path[] = "/tmp/ocx-test-XXXXXX";
    if (::mkdtemp(path) == nullptr) throw_errno("mkdtemp");
    base_ = path;
    const std::string below = base_ + "/" + std::string(200, 'd');
    mkdirat(FdRef::cwd(), below, 0755);
    fd_ = openat(FdRef::cwd(), below, O_PATH | O_DIRECTORY);
    name_ = below;
  }
  ~DeepDirectory() {
    for (const char* name : {"gate", "notify"}) try_unlinkat(fd_, name);
    ::rmdir(name_.c_str());
    ::rmdir(base_.c_str());
  }
  FdRef fd() const { return fd_; }
  const std::string& path() const { return name_; }

 private:
  std::string base_, name_;
  UniqueFd fd_;
};

}  // namespace

TEST_CASE("packets keep their bounds and carry descriptors, close-on-exec") {
  auto [left, right] = socketpair_seqpacket();
  const UniqueFd root = openat(FdRef::cwd(), "/", O_PATH), dev = openat(FdRef::cwd(), "/dev", O_PATH);
  send_packet(left, "first", {root, dev});
  send_packet(left, "second");
  const Packet first = receive_packet(right, 100), second = receive_packet(right, 100);
  CHECK(first.data == "first");
  REQUIRE(first.fds.size() == 2);
  CHECK(readlinkat(FdRef::cwd(), descriptor_path(first.fds[0])) == "/");
  CHECK(readlinkat(FdRef::cwd(), descriptor_path(first.fds[1])) == "/dev");
  CHECK(::fcntl(first.fds[0].ref().raw(), F_GETFD) == FD_CLOEXEC);
  CHECK(second.data == "second");
  CHECK(second.fds.empty());
  CHECK_FALSE(second.closed);
}

TEST_CASE("the end of a conversation is not an error for the reader, and no signal for the writer") {
  auto [left, right] = socketpair_seqpacket();
  send_packet(right, "never read");
  right.reset();
  try {
    send_packet(left, "x");
    FAIL("sent to nobody");
  } catch (const Error& error) {
    CHECK(error.error_number() == EPIPE);
  }
  CHECK(receive_packet(left, 100).data == "never read");
  CHECK(receive_packet(left, 100).closed);
}

TEST_CASE("a peer that closed with our message unread has closed") {
  auto [left, right] = socketpair_seqpacket();
  send_packet(left, "unread");
  right.reset();
  CHECK(receive_packet(left, 100).closed);
}

TEST_CASE("too long a message or too many descriptors are refused, and nothing leaks") {
  auto [left, right] = socketpair_seqpacket();
  const UniqueFd root = openat(FdRef::cwd(), "/", O_PATH);
  const std::size_t before = open_descriptors();
  send_packet(left, "eleven char", {root});
  CHECK_THROWS_WITH(receive_packet(right, 10), Catch::Contains("larger than 10 bytes"));
  CHECK(open_descriptors() == before);

  char control[CMSG_SPACE(sizeof(int) * 17)] = {};
  char byte = 'x';
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * 17);
  for (std::size_t i = 0; i < 17; ++i) {
    const int fd = root.ref().raw();
    std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
  }
  REQUIRE(::sendmsg(left.ref().raw(), &message, 0) == 1);
  CHECK_THROWS_WITH(receive_packet(right, 10), Catch::Contains("16 descriptors"));
  CHECK(open_descriptors() == before);
}

TEST_CASE("a gate works in a directory of any length and is its owner's alone") {
  const DeepDirectory directory;
  const UniqueFd listener = listen_unix(directory.fd(), "gate");
  CHECK((fstatat(directory.fd(), "gate")->st_mode & 0777) == 0600);
  const UniqueFd client = connect_unix(directory.fd(), "gate");
  const UniqueFd server = accept(listener);
  send_packet(client, "open");
  CHECK(receive_packet(server, 16).data == "open");
  CHECK_THROWS_WITH(connect_unix(directory.path() + "/gate"), Catch::Contains("longer than 107 bytes"));
  unlinkat(directory.fd(), "gate");
  CHECK_THROWS_WITH(connect_unix(directory.fd(), "gate"), Catch::Contains("no such file or directory"));
}

TEST_CASE("datagrams: a bound name has its mode whatever the umask; abstract names work") {
  const DeepDirectory directory;
  const mode_t saved = ::umask(077);
  const UniqueFd socket = bind_datagram(directory.fd(), "notify", 0777);
  ::umask(saved);
  CHECK((fstatat(directory.fd(), "notify")->st_mode & 0777) == 0777);
  send_datagram(descriptor_path(directory.fd()) + "/notify", "READY=1", {socket});
  const Packet packet = receive_packet(socket, 100);
  CHECK(packet.data == "READY=1");
  CHECK(packet.fds.size() == 1);

  const std::string name = "ocx-test-" + std::to_string(::getpid());
  const UniqueFd abstract(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  struct {
    sa_family_t family = AF_UNIX;
    char path[100] = {};
  } address;
  std::memcpy(address.path + 1, name.data(), name.size());
  REQUIRE(::bind(abstract.ref().raw(), reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(sizeof(address.family) + 1 + name.size())) == 0);
  send_datagram("@" + name, "hello");
  CHECK(receive_packet(abstract, 100).data == "hello");
}

TEST_CASE("poll_readable gives the index of what is ready, -1 when the time is over") {
  auto [left, right] = socketpair_seqpacket();
  auto [quiet, other] = socketpair_seqpacket();
  CHECK(poll_readable({quiet, right}, 10) == -1);
  send_packet(left, "x");
  CHECK(poll_readable({quiet, right}, -1) == 1);
  other.reset();
  CHECK(poll_readable({quiet, right}, -1) == 0);
}
