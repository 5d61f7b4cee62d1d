// A container that waits, for tests of `exec`.
#pragma once

#include <catch2/catch.hpp>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/harness/container.hpp"

namespace ocx::test {

using Words = std::vector<std::string>;

/// Started by the constructor; `probe pause` unless the bundle says otherwise.
class Running {
 public:
  explicit Running(Bundle& bundle) : container(bundle) {
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
  }
  /// `flags` come before the id, `command` after it.
  Result exec(const Words& flags, const Words& command, const RunOptions& options = {}) {
    return container.command(words(flags, command), options);
  }
  Result shell(const std::string& script, const Words& flags = {}) {
    return exec(flags, {"/bin/sh", "-c", script});
  }
  Child spawn(const Words& flags, const Words& command, const RunOptions& options = {}) {
    return container.spawn(words(flags, command), options);
  }
  json facts(const Words& flags = {}, const RunOptions& options = {}) {
    const Result result = exec(flags, {"/bin/probe", "facts"}, options);
    REQUIRE_OK(result);
    return parse_json(result.out);
  }

  Container container;

 private:
  Words words(const Words& flags, const Words& command) const {
    Words all{"exec"};
    all.insert(all.end(), flags.begin(), flags.end());
    all.push_back(container.id());
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
};

/// What an engine listens with: one message, one descriptor.
class DescriptorSocket {
 public:
  explicit DescriptorSocket(Path where) : path(std::move(where)) {
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 4) == 0);
  }
  Fd receive() {
    const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(connection);
    char bytes[4096];
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))];
    iovec part{bytes, sizeof bytes};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(connection.get(), &message, MSG_CMSG_CLOEXEC);
    REQUIRE(size > 0);
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    REQUIRE(header != nullptr);
    REQUIRE(header->cmsg_len == CMSG_LEN(sizeof(int)));
    data.assign(bytes, static_cast<size_t>(size));
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return Fd(fd);
  }

  Path path;
  std::string data;

 private:
  Fd listener_;
};

}  // namespace ocx::test
