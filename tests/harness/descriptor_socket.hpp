// The socket an engine listens at for a terminal, a pidfd or a seccomp listener.
#pragma once

#include <string>

#include "tests/harness/bundle.hpp"
#include "tests/harness/process.hpp"

namespace ocx::test {

class DescriptorSocket {
 public:
  /// With a backlog of 0 the second connection waits until the first is accepted (listen(2), unix(7)).
  explicit DescriptorSocket(Path where, int backlog = 4);

  /// Accepts a connection and takes what it has to bring: one message with one descriptor, then its end. The
  /// message is in `data` afterwards.
  Fd receive();
  /// One connection, not accepted yet.
  Fd connect() const;
  /// Accepts a connection and closes it.
  void drop();
  int fd() const { return listener_.get(); }

  Path path;
  std::string data;

 private:
  Fd accept();

  Fd listener_;
};

}  // namespace ocx::test
