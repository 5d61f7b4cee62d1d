// --pidfd-socket: one message with a pidfd of the container's first process.
#include <catch2/catch.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char* why = "runc 1.1 has no --pidfd-socket";

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  return address;
}

Fd listen_at(const Path& path) {
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener.get(), 1) == 0);
  return listener;
}

struct Received {
  std::string data;
  Fd fd;
};

Received receive(const Fd& listener) {
  const Fd connection(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(connection);
  char data[256];
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
  iovec part{data, sizeof data};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
  REQUIRE(size > 0);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header != nullptr);
  REQUIRE(header->cmsg_len == CMSG_LEN(sizeof(int)));
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return {std::string(data, static_cast<size_t>(size)), Fd(fd)};
}

// "Pid:\tN" of /proc/self/fdinfo: only a pidfd has it.
pid_t pid_behind(const Fd& fd) {
  for (const std::string& line : lines(read_file("/proc/self/fdinfo/" + std::to_string(fd.get()))))
    if (line.rfind("Pid:", 0) == 0) return std::stoi(line.substr(4));
  return -1;
}

}  // namespace

TEST_CASE("the pidfd socket gets a pidfd of init", "[pidfd_socket]") {
  ONLY_OCX(why);
  Bundle bundle({"/bin/probe", "pause"});
  const Path path = bundle.scratch() / "pidfd.sock";
  const Fd listener = listen_at(path);
  Container container(bundle);
  SECTION("from create") {
    REQUIRE_OK(container.create({"--pidfd-socket", path}));
  }
  SECTION("from run") {
    REQUIRE_OK(container.run({"--detach", "--pidfd-socket", path}));
  }
  const Received received = receive(listener);
  CHECK(received.data == "standard");
  CHECK(pid_behind(received.fd) == container.pid());
  pollfd entry{received.fd.get(), POLLIN, 0};
  CHECK(poll(&entry, 1, 0) == 0);
  REQUIRE_OK(container.kill("KILL"));
  CHECK(poll(&entry, 1, 10000) == 1);
}

TEST_CASE("a pidfd socket nobody listens on fails create and leaves nothing", "[pidfd_socket]") {
  ONLY_OCX(why);
  Bundle bundle;
  Container container(bundle);
  const Path path = bundle.scratch() / "absent.sock";
  CHECK(contains(error_message(container.create({"--pidfd-socket", path})), "absent.sock"));
  CHECK(container.leftovers().empty());
}
