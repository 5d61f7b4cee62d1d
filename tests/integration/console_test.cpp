// Terminals: the console socket of detached containers, and the relay of foreground ones.
#include <catch2/catch.hpp>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstring>

#include "tests/harness/container.hpp"
#include "tests/harness/descriptor_socket.hpp"

using namespace ocx::test;

namespace {

// Accepts nothing before create has returned: engines may be that late.
Fd create_with_terminal(Container& container, const RunOptions& options = {}) {
  container.bundle().process()["terminal"] = true;
  DescriptorSocket socket(container.bundle().scratch() / "console.sock");
  REQUIRE_OK(container.create({"--console-socket", socket.path}, options));
  return socket.receive();
}

struct Terminal {
  Fd master, slave;
  Terminal() {
    int ends[2];
    winsize size{24, 80, 0, 0};
    REQUIRE(openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
    master = Fd(ends[0]);
    slave = Fd(ends[1]);
  }
  RunOptions options() const {
    RunOptions result;
    result.fds = {{0, slave.get()}, {1, slave.get()}, {2, slave.get()}};
    result.new_session = true;
    return result;
  }
  termios mode() const {
    termios now{};
    REQUIRE(tcgetattr(slave.get(), &now) == 0);
    return now;
  }
  void type(const std::string& text) {
    REQUIRE(write(master.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
};

Child run_on(Terminal& terminal, Container& container) {
  container.bundle().process()["terminal"] = true;
  container.bundle().save();
  return container.spawn({"run", "--bundle", container.bundle().path(), container.id()}, terminal.options());
}

}  // namespace

TEST_CASE("the console socket gets the master of the terminal on the payload's streams",
          "[console][contract]") {
  Bundle bundle;
  bundle.shell(
      "test -t 0 && test -t 1 && test -t 2 && echo streams; tty; echo console > /dev/console; read line; "
      "echo got $line");
  Container container(bundle);
  Fd master = create_with_terminal(container);
  unsigned number = 0;
  CHECK(ioctl(master.get(), TIOCGPTN, &number) == 0);
  REQUIRE_OK(container.start());
  std::string seen = read_until(master.get(), "console\r\n");
  CHECK(contains(seen, "streams\r\n"));
  CHECK(contains(seen, "/dev/"));
  REQUIRE(write(master.get(), "line\n", 5) == 5);
  CHECK(contains(read_to_end(master.get()), "got line\r\n"));
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("/dev/console is the payload's terminal", "[console][contract]") {
  Bundle bundle;
  bundle.shell("/bin/probe stat /dev/console /dev/ptmx; stat -L -c 'stdin %t:%T' /proc/self/fd/0");
  Container container(bundle);
  Fd master = create_with_terminal(container);
  REQUIRE_OK(container.start());
  std::string seen = read_to_end(master.get());
  json facts = parse_json(seen.substr(0, seen.find('\r')));
  CHECK(facts["/dev/console"]["type"] == "char");
  CHECK(facts["/dev/console"]["major"] == 136);
  CHECK(contains(seen, "stdin 88:" + std::to_string(facts["/dev/console"]["minor"].get<int>())));
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("the terminal belongs to the payload's user", "[console]") {
  Bundle bundle;
  bundle.shell(
      "echo fine > /dev/console && echo more > /proc/self/fd/1; stat -L -c 'owner %u' /proc/self/fd/0");
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  Container container(bundle);
  Fd master = create_with_terminal(container);
  REQUIRE_OK(container.start());
  std::string seen = read_to_end(master.get());
  CHECK(contains(seen, "fine\r\nmore\r\n"));
  CHECK(contains(seen, "owner 1000\r\n"));
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("the payload leads a session of its own with the terminal as controlling one", "[console]") {
  Bundle bundle;
  bundle.shell("trap 'exit 9' INT; echo ready; while :; do read x; done");
  Container container(bundle);
  Fd master = create_with_terminal(container);
  REQUIRE_OK(container.start());
  read_until(master.get(), "ready\r\n");
  REQUIRE(write(master.get(), "\x03", 1) == 1);
  CHECK(container.wait_exit() == 9);
}

TEST_CASE("consoleSize is the terminal's size", "[console][contract]") {
  Bundle bundle;
  bundle.shell("stty size");
  bundle.process()["consoleSize"] = {{"height", 33}, {"width", 111}};
  Container container(bundle);
  Fd master = create_with_terminal(container);
  REQUIRE_OK(container.start());
  CHECK(contains(read_to_end(master.get()), "33 111\r\n"));
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("consoleSize without a terminal is ignored", "[console]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.process()["consoleSize"] = {{"height", 33}, {"width", 111}};
  Container container(bundle);
  CHECK(container.output().empty());
}

TEST_CASE("a detached container with a terminal does not hold the runtime's own output",
          "[console][contract]") {
  Bundle bundle;
  Container container(bundle);
  Pipe out = make_pipe();
  RunOptions options;
  options.fds = {{1, out.write_end.get()}, {2, out.write_end.get()}};
  Fd master = create_with_terminal(container, options);
  out.write_end.close();
  CHECK(read_to_end(out.read_end.get()).empty());
  CHECK(container.status() == "created");
}

TEST_CASE("a terminal without a console socket is refused before anything is made", "[console][contract]") {
  Bundle bundle;
  bundle.process()["terminal"] = true;
  Container container(bundle);
  CHECK(contains(error_message(container.create()), "will detach without setting console socket"));
  CHECK(container.leftovers().empty());
  CHECK(contains(error_message(container.run({"--detach"})), "will detach without setting console socket"));
}

TEST_CASE("a console socket without a terminal is refused before anything is made", "[console][contract]") {
  Bundle bundle;
  DescriptorSocket socket(bundle.scratch() / "console.sock");
  Container container(bundle);
  CHECK(contains(error_message(container.create({"--console-socket", socket.path})),
                 "cannot use console socket"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("a console socket nobody listens on fails and leaves nothing", "[console]") {
  Bundle bundle;
  bundle.process()["terminal"] = true;
  Container container(bundle);
  Result result = container.create({"--console-socket", bundle.scratch() / "absent.sock"});
  CHECK(result.status != 0);
  CHECK(contains(result.err, "no such file or directory"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("run in the foreground on a terminal: one carriage return, the exit code, the mode restored",
          "[console][contract]") {
  Bundle bundle;
  bundle.shell("echo first; echo second; read x; echo \"got $x\"; exit 5");
  Container container(bundle);
  Terminal terminal;
  termios before = terminal.mode();
  Child child = run_on(terminal, container);
  CHECK(contains(read_until(terminal.master.get(), "second\r\n"), "first\r\n"));
  termios during = terminal.mode();
  CHECK((during.c_lflag & (ICANON | ECHO | ISIG)) == 0);
  terminal.type("typed\r");
  CHECK(contains(read_until(terminal.master.get(), "got typed\r\n"), "typed\r\n"));
  CHECK(child.wait().status == 5);
  termios after = terminal.mode();
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_oflag == before.c_oflag);
  CHECK(after.c_iflag == before.c_iflag);
  CHECK(container.leftovers().empty());
}

TEST_CASE("run in the foreground follows the size of its terminal", "[console][contract]") {
  Bundle bundle({"/bin/probe", "winsize"});
  Container container(bundle);
  Terminal terminal;
  Child child = run_on(terminal, container);
  // The payload may start before the first size arrives, but then it is told.
  read_until(terminal.master.get(), "size 24 80\r\n");
  winsize size{50, 132, 0, 0};
  REQUIRE(ioctl(terminal.master.get(), TIOCSWINSZ, &size) == 0);
  read_until(terminal.master.get(), "size 50 132\r\n");
  terminal.type("\r");
  CHECK(child.wait().status == 0);
}

TEST_CASE("control-C in a foreground terminal interrupts the payload, not the runtime", "[console]") {
  Bundle bundle;
  bundle.shell("trap 'echo trapped; exit 9' INT; echo ready; while :; do read x; done");
  Container container(bundle);
  Terminal terminal;
  Child child = run_on(terminal, container);
  read_until(terminal.master.get(), "ready\r\n");
  terminal.type("\x03");
  read_until(terminal.master.get(), "trapped\r\n");
  CHECK(child.wait().status == 9);
}

TEST_CASE("a large output on a foreground terminal arrives whole", "[console]") {
  Bundle bundle;
  bundle.shell("seq 1 5000");
  Container container(bundle);
  Terminal terminal;
  Child child = run_on(terminal, container);
  std::string seen = read_until(terminal.master.get(), "\n5000\r\n");
  CHECK(std::count(seen.begin(), seen.end(), '\n') == 5000);
  CHECK(child.wait().status == 0);
}

TEST_CASE("the terminal comes from the container's own devpts", "[console]") {
  Bundle bundle;
  bundle.shell("ls /dev/pts");
  Container container(bundle);
  Fd master = create_with_terminal(container);
  REQUIRE_OK(container.start());
  std::string seen = read_to_end(master.get());
  CHECK(contains(seen, "0"));
  CHECK(contains(seen, "ptmx"));
  CHECK(container.wait_exit() == 0);
}
