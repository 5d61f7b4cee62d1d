// The terminal of somebody who calls `exec --tty`.
#pragma once

#include <catch2/catch.hpp>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <string>

#include "tests/harness/process.hpp"

namespace ocx::test {

struct Terminal {
  Terminal() {
    int ends[2];
    winsize size{30, 90, 0, 0};
    REQUIRE(openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
    master = Fd(ends[0]);
    slave = Fd(ends[1]);
    options.fds = {{0, slave.get()}, {1, slave.get()}, {2, slave.get()}};
    options.new_session = true;
  }
  void type(const std::string& text) {
    REQUIRE(write(master.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  termios mode() const {
    termios now{};
    REQUIRE(tcgetattr(slave.get(), &now) == 0);
    return now;
  }
  Fd master, slave;
  RunOptions options;
};

}  // namespace ocx::test
