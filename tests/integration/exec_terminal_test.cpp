// Terminals of processes that exec adds.
#include "tests/integration/exec_terminal.hpp"

#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

TEST_CASE("exec --tty relays a terminal of its own, of the caller's size", "[exec][console]") {
  Bundle bundle;
  Running running(bundle);
  Terminal terminal;
  const termios before = terminal.mode();
  Child child = running.spawn(
      {"--tty"}, {"/bin/sh", "-c", "test -t 0 && test -t 2 && stty size; read line; echo got $line; exit 9"},
      terminal.options);
  CHECK(contains(read_until(terminal.master.get(), "30 90\r\n"), "30 90\r\n"));
  terminal.type("word\n");
  CHECK(contains(read_until(terminal.master.get(), "got word\r\n"), "got word\r\n"));
  CHECK(child.wait().status == 9);
  CHECK(terminal.mode().c_lflag == before.c_lflag);
}

TEST_CASE("exec --tty follows the size of the caller's terminal", "[exec][console]") {
  Bundle bundle;
  Running running(bundle);
  Terminal terminal;
  Child child = running.spawn({"--tty"}, {"/bin/probe", "winsize"}, terminal.options);
  read_until(terminal.master.get(), "30");
  winsize size{41, 101, 0, 0};
  REQUIRE(ioctl(terminal.master.get(), TIOCSWINSZ, &size) == 0);
  CHECK(contains(read_until(terminal.master.get(), "41"), "41"));
  terminal.type("x\n");
  CHECK(child.wait().status == 0);
}

TEST_CASE("exec --detach --tty sends the terminal to the console socket", "[exec][console][contract]") {
  Bundle bundle;
  Running running(bundle);
  DescriptorSocket socket(bundle.scratch() / "console.sock");
  const Path pid_file = bundle.scratch() / "pid";
  json process = bundle.process();
  process["terminal"] = true;
  process["consoleSize"] = {{"height", 20}, {"width", 77}};
  process["user"] = {{"uid", 1000}, {"gid", 1000}};
  process["args"] = {"/bin/sh", "-c", "tty; stty size; stat -L -c 'owner %u' /proc/self/fd/0; read line"};
  write_file(bundle.scratch() / "process.json", process.dump());
  REQUIRE_OK(running.exec({"--detach", "--tty", "--process", bundle.scratch() / "process.json",
                           "--console-socket", socket.path, "--pid-file", pid_file},
                          {}));
  const Fd master = socket.receive();
  const std::string seen = read_until(master.get(), "owner 1000\r\n");
  CHECK(contains(seen, "/dev/pts/"));
  CHECK(contains(seen, "20 77\r\n"));
  REQUIRE(write(master.get(), "\n", 1) == 1);
  CHECK(wait_and_reap(std::stoi(read_file(pid_file))) == 0);
}

TEST_CASE("exec's terminal leaves /dev/console to init", "[exec][console]") {
  Bundle bundle;
  Running running(bundle);
  const auto mounts = [&] { return running.shell("grep -c /dev/console /proc/self/mountinfo").out; };
  const std::string before = mounts();
  Terminal terminal;
  CHECK(running.spawn({"--tty"}, {"/bin/true"}, terminal.options).wait().status == 0);
  CHECK(mounts() == before);
}

TEST_CASE("exec --tty and the console socket need each other when detached", "[exec][console]") {
  Bundle bundle;
  Running running(bundle);
  const Result tty = running.exec({"--tty", "--detach"}, {"true"});
  CHECK(tty.status == 255);
  CHECK(contains(tty.err, "will detach without setting console socket"));
  const Result socket = running.exec({"--console-socket", "/nowhere"}, {"true"});
  CHECK(socket.status == 255);
  CHECK(contains(socket.err, "cannot use console socket"));
}
