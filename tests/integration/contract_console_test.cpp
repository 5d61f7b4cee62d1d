// Terminals as conmon, the shim, CRI-O and BuildKit use them: docs/engine-contract.md, "Console".
#include "tests/integration/engine_calls.hpp"
#include "tests/integration/exec_container.hpp"
#include "tests/integration/exec_terminal.hpp"

using namespace ocx::test;

namespace {

// A script as the whole process document of an exec.
Path process_file(Bundle& bundle, const std::string& script) {
  json process = bundle.process();
  process["terminal"] = true;
  process["args"] = {"/bin/sh", "-c", script};
  const Path file = bundle.scratch() / "process.json";
  write_file(file, process.dump());
  return file;
}

}  // namespace

TEST_CASE("contract: a terminal as conmon asks for one, with nobody accepting before create has ended",
          "[contract][console]") {
  Bundle bundle;
  bundle.process()["terminal"] = true;
  bundle.process()["consoleSize"] = {{"height", 25}, {"width", 99}};
  bundle.shell(
      "stty size; tty; stat -L -c '%t:%T' /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /dev/console");
  Container container(bundle);
  bundle.save();
  // sockaddr_un takes 107 bytes and the end: engines use them all.
  const std::string directory = bundle.scratch();
  REQUIRE(directory.size() < 100);
  DescriptorSocket socket(Path(directory) / std::string(107 - directory.size() - 1, 's'));
  REQUIRE(socket.path.string().size() == 107);
  Pipe err = make_pipe();
  Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  RunOptions options;
  options.fds = {{0, null.get()}, {1, null.get()}, {2, err.write_end.get()}};
  const Path pid_file = bundle.scratch() / "pidfile";
  REQUIRE_OK(conmon_call(joined(systemd_flag(), {"--root=" + container.root().string()}),
                         {"create", "--bundle", bundle.path(), "--pid-file", pid_file, "--console-socket",
                          socket.path, container.id()},
                         options));
  err.write_end.close();
  CHECK(read_to_end(err.read_end.get()).empty());  // although the container lives
  CHECK(strict_pid(read_file(pid_file)) == container.pid());
  const Fd master = socket.receive();
  CHECK(!socket.data.empty());
  CHECK(socket.data.size() < 4096);
  unsigned number = 0;
  CHECK(ioctl(master.get(), TIOCGPTN, &number) == 0);
  REQUIRE_OK(container.start());
  const Words seen = lines(read_to_end(master.get()));
  REQUIRE(seen.size() == 6);
  CHECK(seen[0] == "25 99\r");
  for (size_t i = 2; i < 6; ++i) CHECK(seen[i] == seen[2]);
  CHECK(seen[2].rfind("88:", 0) == 0);
  CHECK(container.wait_exit() == 0);
}

TEST_CASE("contract: CRI-O's exec --process on its own terminal is relayed by the runtime",
          "[contract][console][exec]") {
  Bundle bundle;
  Running running(bundle);
  Terminal terminal;
  const termios before = terminal.mode();
  terminal.options.env = Words{"XDG_RUNTIME_DIR="};
  const Path file = process_file(bundle, "test -t 0 && stty size; /bin/probe winsize; echo end; exit 11");
  Child child =
      running.container.spawn({"exec", "--process", file, running.container.id()}, terminal.options);
  read_until(terminal.master.get(), "30 90\r\n");
  // BuildKit resizes the terminal, then signals the runtime itself.
  winsize size{42, 120, 0, 0};
  REQUIRE(ioctl(terminal.master.get(), TIOCSWINSZ, &size) == 0);
  child.signal(SIGWINCH);
  read_until(terminal.master.get(), "size 42 120\r\n");
  terminal.type("x\r");
  read_until(terminal.master.get(), "end\r\n");
  CHECK(child.wait().status == 11);
  CHECK(terminal.mode().c_lflag == before.c_lflag);
  CHECK(terminal.mode().c_oflag == before.c_oflag);
}

TEST_CASE("contract: exec of a terminal as old and new conmon and the shim call it",
          "[contract][console][exec]") {
  Bundle bundle;
  Running running(bundle);
  Container& container = running.container;
  DescriptorSocket socket(bundle.scratch() / "console.sock");
  const Path pid_file = bundle.scratch() / "pid";
  const Path file = process_file(bundle, "read line; echo \"got $line\"");
  const Words root{"--root", container.root()};
  SECTION("conmon up to 2.1.10") {
    REQUIRE_OK(conmon_call(root, {"exec", "--pid-file", pid_file, "--process", file, "--detach", "--tty",
                                  "--console-socket", socket.path, container.id()}));
  }
  SECTION("conmon since") {
    REQUIRE_OK(conmon_call(root, {"exec", "--pid-file", pid_file, "--process", file, "--detach",
                                  "--console-socket", socket.path, container.id()}));
  }
  SECTION("go-runc") {
    const Shim shim(container, bundle.scratch() / "log.json");
    REQUIRE_OK(shim.call({"exec", "--process", file, "--console-socket", socket.path, "--detach",
                          "--pid-file", pid_file, container.id()}));
  }
  std::filesystem::remove(file);  // as soon as the call has returned
  const Fd master = socket.receive();
  REQUIRE(write(master.get(), "word\n", 5) == 5);
  CHECK(contains(read_until(master.get(), "got word\r\n"), "got word"));
  CHECK(wait_and_reap(strict_pid(read_file(pid_file))) == 0);
}
