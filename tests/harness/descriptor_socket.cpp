#include "tests/harness/descriptor_socket.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

namespace ocx::test {
namespace {

Fd unix_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(fd);
  return fd;
}

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

}  // namespace

DescriptorSocket::DescriptorSocket(Path where, int backlog)
    : path(std::move(where)), listener_(unix_socket()) {
  const sockaddr_un address = address_of(path);
  REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener_.get(), backlog) == 0);
}

Fd DescriptorSocket::accept() {
  Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(connection);
  return connection;
}

Fd DescriptorSocket::connect() const {
  Fd fd = unix_socket();
  const sockaddr_un address = address_of(path);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void DescriptorSocket::drop() {
  accept();
}

Fd DescriptorSocket::receive() {
  const Fd connection = accept();
  std::string bytes(65536, '\0');
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  iovec part{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
  REQUIRE(size > 0);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header != nullptr);
  CHECK(header->cmsg_type == SCM_RIGHTS);
  REQUIRE(header->cmsg_len == CMSG_LEN(sizeof(int)));
  CHECK(CMSG_NXTHDR(&message, header) == nullptr);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  Fd received(fd);
  data.assign(bytes, 0, static_cast<size_t>(size));
  CHECK(::recv(connection.get(), bytes.data(), 1, 0) == 0);
  return received;
}

}  // namespace ocx::test
