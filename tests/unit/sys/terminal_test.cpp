#include "sys/terminal.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "tests/unit/forked.hpp"

using namespace ocx;
using namespace ocx::sys;
using ocx::test::forked;

namespace {

Pty new_pty() {
  return open_pty(openat(FdRef::cwd(), "/dev/ptmx", O_RDWR | O_NOCTTY));
}

std::string through(const Pty& pty, const std::string& text) {
  write_all(pty.slave, text);
  REQUIRE(poll_readable({pty.master}, 5000) == 0);
  char buffer[100];
  const ssize_t size = ::read(pty.master.ref().raw(), buffer, sizeof(buffer));
  return std::string(buffer, static_cast<std::size_t>(size));
}

}  // namespace

TEST_CASE("open_pty makes a working pair, the slave without any path") {
  const Pty pty = new_pty();
  CHECK(is_terminal(pty.master));
  CHECK(is_terminal(pty.slave));
  CHECK(through(pty, "a\n") == "a\r\n");
  clear_onlcr(pty.master);
  CHECK(through(pty, "b\n") == "b\n");
  CHECK(::fcntl(pty.slave.ref().raw(), F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("open_pty refuses what is not a ptmx") {
  CHECK_THROWS_WITH(open_pty(openat(FdRef::cwd(), "/dev/null", O_RDWR)),
                    "ptmx is not the character device 5:2");
  CHECK_THROWS(open_pty(openat(FdRef::cwd(), "/tmp", O_RDONLY)));
}

TEST_CASE("window size of either end") {
  const Pty pty = new_pty();
  set_window_size(pty.master, 33, 101);
  const std::optional<winsize> size = window_size(pty.slave);
  REQUIRE(size);
  CHECK(size->ws_row == 33);
  CHECK(size->ws_col == 101);
  CHECK_FALSE(window_size(openat(FdRef::cwd(), "/dev/null", O_RDWR)));
  CHECK_FALSE(is_terminal(openat(FdRef::cwd(), "/dev/null", O_RDWR)));
}

TEST_CASE("raw mode ends with its object") {
  const Pty pty = new_pty();
  termios before{}, during{}, after{};
  ::tcgetattr(pty.slave.ref().raw(), &before);
  {
    const RawMode raw(pty.slave);
    ::tcgetattr(pty.slave.ref().raw(), &during);
  }
  ::tcgetattr(pty.slave.ref().raw(), &after);
  CHECK((before.c_lflag & ICANON) != 0);
  CHECK((during.c_lflag & (ICANON | ECHO | ISIG)) == 0);
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_oflag == before.c_oflag);
}

TEST_CASE("a session leader gets its controlling terminal on 0, 1, 2") {
  const std::string text = forked([] {
    ::signal(SIGHUP, SIG_IGN);  // what the session gets when the master goes
    const Pty pty = new_pty();
    sys::setsid();
    set_controlling_terminal(pty.slave);
    replace_standard_streams(pty.slave);
    const UniqueFd tty = openat(FdRef::cwd(), "/dev/tty", O_RDWR);
    const bool same = fstat(standard_input).st_rdev == fstat(pty.slave).st_rdev &&
                      fstat(standard_error).st_rdev == fstat(pty.slave).st_rdev;
    return std::string(same && ::tcgetsid(1) == ::getpid() ? "ours" : "not ours") +
           std::to_string(::fcntl(2, F_GETFD));
  });
  CHECK(text == "ours0");
}
