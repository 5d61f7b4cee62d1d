#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/console.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/signal_fd.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/terminal.hpp"
#include "tests/unit/forked.hpp"

using namespace ocx;
using ocx::test::forked;
using runtime::ForegroundRelay;

namespace {

sys::Pty new_pty() {
  return sys::open_pty(sys::openat(sys::FdRef::cwd(), "/dev/ptmx", O_RDWR | O_NOCTTY));
}

/// A payload on the slave: the shell with that script, as init would start it.
sys::CloneResult shell_on(const sys::Pty& pty, const char* script) {
  sys::CloneResult child = sys::clone3(0);
  if (child.pid != 0) return child;
  sys::clear_signal_mask();
  sys::setsid();
  sys::set_controlling_terminal(pty.slave);
  sys::replace_standard_streams(pty.slave);
  ::execl("/bin/sh", "sh", "-c", script, nullptr);
  ::_exit(99);
}

/// Runs the script under the relay, with a file as stdout and /dev/null as stdin and stderr; output, then the
/// status.
std::string relayed(const char* script) {
  const sys::UniqueFd file(::memfd_create("stdout", MFD_CLOEXEC));
  const std::string status = forked([&] {
    const sys::UniqueFd null = sys::openat(sys::FdRef::cwd(), "/dev/null", O_RDWR);
    sys::setsid();  // no /dev/tty either
    sys::replace_standard_streams(null);
    ::dup2(file.ref().raw(), 1);
    ForegroundRelay relay;
    sys::Pty pty = new_pty();
    const sys::CloneResult child = shell_on(pty, script);
    pty.slave.reset();
    return std::to_string(relay.wait(child.pidfd, std::move(pty.master)).shell_status());
  });
  ::lseek(file.ref().raw(), 0, SEEK_SET);
  return sys::read_all(file) + "[" + status + "]";
}

}  // namespace

TEST_CASE("output reaches stdout whole, without CR where that is no terminal; the status comes back") {
  CHECK(relayed("echo one; echo two; exit 7") == "one\ntwo\n[7]");
  CHECK(relayed("kill -TERM $$") == "[143]");
  const std::string large = relayed("i=0; while [ $i -lt 20000 ]; do echo 123456789; i=$((i+1)); done");
  CHECK(large.size() == 200'000 + 3);
}

TEST_CASE("a background process that keeps the terminal open does not keep the command") {
  // It ignores the hang-up that ends others when the master goes; killed by its own timeout's end at the
  // latest.
  const std::string text = relayed("trap '' HUP; sleep 60 & echo $!; exit 3");
  CHECK_THAT(text, Catch::EndsWith("[3]"));
  ::kill(std::stoi(text), SIGKILL);
  const std::string endless = relayed("trap '' HUP; (while echo x; do :; done) & echo; exit 4");
  CHECK_THAT(endless, Catch::EndsWith("[4]"));
}

TEST_CASE("signals are forwarded, those that came before the wait too") {
  const std::string text = forked([] {
    ForegroundRelay relay;
    ::kill(::getpid(), SIGUSR1);
    sys::CloneResult child = sys::clone3(0);
    if (child.pid == 0) {
      ::signal(SIGUSR1, [](int) { ::_exit(42); });
      sys::clear_signal_mask();
      while (true) ::pause();
    }
    return std::to_string(relay.wait(child.pidfd, {}).code);
  });
  CHECK(text == "42");
}

TEST_CASE("the relay's mask ends with it, and a broken stdout kills nobody") {
  const std::string text = forked([] {
    sigset_t before, after;
    ::sigprocmask(SIG_SETMASK, nullptr, &before);
    {
      ForegroundRelay relay;
      sys::Pipe pipe = sys::make_pipe(sys::NonBlocking::none);
      ::dup2(pipe.write.ref().raw(), 1);
      pipe = {};
      sys::Pty pty = new_pty();
      const sys::CloneResult child = shell_on(pty, "echo unheard; exit 5");
      pty.slave.reset();
      if (relay.wait(child.pidfd, std::move(pty.master)).code != 5) return std::string("status lost");
    }
    ::sigprocmask(SIG_SETMASK, nullptr, &after);
    return std::string(::sigismember(&after, SIGTERM) == ::sigismember(&before, SIGTERM) ? "same"
                                                                                         : "differs");
  });
  CHECK(text == "same");
}

TEST_CASE(
    "on a terminal: raw while it runs, input passed, single CR LF, resized by SIGWINCH, restored at the "
    "end") {
  sys::Pty outer = new_pty();
  sys::set_window_size(outer.master, 20, 70);
  termios before{}, after{};
  ::tcgetattr(outer.slave.ref().raw(), &before);
  const sys::CloneResult command = sys::clone3(0);
  if (command.pid == 0) {
    sys::setsid();
    sys::set_controlling_terminal(outer.slave);
    sys::replace_standard_streams(outer.slave);
    ForegroundRelay relay;
    sys::Pty inner = new_pty();
    const sys::CloneResult child = shell_on(inner,
                                            "stty size; read word; echo got $word; trap 'stty size; exit 9' "
                                            "WINCH; echo go; while :; do sleep 0.05; done");
    inner.slave.reset();
    ::_exit(relay.wait(child.pidfd, std::move(inner.master)).shell_status());
  }
  std::string seen;
  const auto wait_for = [&](const char* text) {
    while (seen.find(text) == std::string::npos) {
      if (sys::poll_readable({outer.master}, 20'000) != 0) FAIL("no " << text << " in " << seen);
      REQUIRE(sys::read_some(outer.master, seen, 4096) == sys::ReadOutcome::data);
    }
  };
  wait_for("20 70\r\n");
  sys::write_all(outer.master, "hello\r");
  wait_for("got hello\r\n");
  wait_for("go\r\n");
  sys::set_window_size(outer.master, 25,
                       80);  // the kernel sends SIGWINCH to the foreground group: the command
  wait_for("25 80\r\n");
  CHECK(sys::wait_for_child(command.pidfd).code == 9);
  CHECK(seen.find("\r\r") == std::string::npos);
  ::tcgetattr(outer.slave.ref().raw(), &after);
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_oflag == before.c_oflag);
}
