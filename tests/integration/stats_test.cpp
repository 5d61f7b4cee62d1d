// `stats`: one shot, streams, and a live table on a terminal.
#include <catch2/catch.hpp>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

constexpr const char *enter = "\x1b[?1049h\x1b[?25l", *leave = "\x1b[?25h\x1b[?1049l";

struct Screen {
  Fd master, slave;
  termios before{};
  explicit Screen(unsigned short columns = 140) {
    int ends[2];
    winsize size{24, columns, 0, 0};
    REQUIRE(openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
    master = Fd(ends[0]);
    slave = Fd(ends[1]);
    before = mode();
  }
  termios mode() const {
    termios now{};
    REQUIRE(tcgetattr(slave.get(), &now) == 0);
    return now;
  }
  Child stats(Container& container, std::vector<std::string> args, const std::string& term = "xterm",
              const std::string& variable = "NO_COLOR=1") {
    args.insert(args.begin(), "stats");
    RunOptions options;
    options.fds = {{0, slave.get()}, {1, slave.get()}};
    options.new_session = true;
    options.env = {"TERM=" + term, variable, "PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    return container.spawn(args, options);
  }
  std::string until(const std::string& text) { return read_until(master.get(), text); }
  void type(const char* key) { REQUIRE(write(master.get(), key, 1) == 1); }
  void check_restored() const {
    const termios after = mode();
    CHECK(after.c_lflag == before.c_lflag);
    CHECK(after.c_iflag == before.c_iflag);
    CHECK(after.c_oflag == before.c_oflag);
  }
};

void create(Container& container) {
  container.bundle().config["linux"]["resources"]["memory"]["limit"] = 64 << 20;
  REQUIRE_OK(container.create());
}

void start(Container& container) {
  create(container);
  REQUIRE_OK(container.start());
}

}  // namespace

TEST_CASE("stats --no-stream prints a table of what runs", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  bundle.config["linux"]["resources"]["pids"]["limit"] = 17;
  Container container(bundle);
  create(container);
  CHECK(lines(container.command({"stats", "--no-stream", "--interval", "1ms"}).out).size() == 1);
  REQUIRE_OK(container.start());
  const Result result = container.command({"stats", "--no-stream", "--interval", "20ms"});
  REQUIRE_OK(result);
  REQUIRE(lines(result.out).size() == 2);
  CHECK(lines(result.out)[0].rfind("ID ", 0) == 0);
  CHECK(lines(result.out)[1].rfind(container.id() + " ", 0) == 0);
  CHECK(contains(result.out, " / 64 MiB"));
  CHECK(contains(result.out, "1 / 17"));
  CHECK_FALSE(contains(result.out, "\x1b"));
}

TEST_CASE("stats --format json: an array once, lines in a stream, until the container ends", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  bundle.shell("while :; do :; done");
  Container container(bundle);
  create(container);
  CHECK(container.command({"stats", "--no-stream", "--interval", "1ms", "--format", "json"}).out == "[]\n");
  REQUIRE_OK(container.start());
  const Result once =
      container.command({"stats", "--no-stream", "--interval", "200ms", "--format", "json", container.id()});
  REQUIRE_OK(once);
  const json array = parse_json(once.out);
  REQUIRE(array.size() == 1);
  CHECK(array[0]["id"] == container.id());
  CHECK(array[0]["status"] == "running");
  CHECK(array[0]["cpu"]["percent"] > 0);
  CHECK(array[0]["memory"]["limit"] == 64 << 20);
  CHECK(array[0]["memory"]["used"] > 0);

  Pipe pipe = make_pipe();
  RunOptions options;
  options.fds = {{1, pipe.write_end.get()}};
  Child child = container.spawn({"stats", "--interval", "20ms", "--format", "json", container.id()}, options);
  pipe.write_end.close();
  const std::string line = lines(read_until(pipe.read_end.get(), "\n"))[0];
  CHECK(parse_json(line)["id"] == container.id());
  REQUIRE_OK(container.kill("KILL"));
  read_to_end(pipe.read_end.get());
  CHECK(child.wait().status == 0);
}

TEST_CASE("stats refuses what it can't show", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  CHECK(contains(error_message(container.command({"stats", "absent"})), "container does not exist"));
  REQUIRE_OK(container.create());
  CHECK(contains(error_message(container.command({"stats", container.id()})), "is not running"));
  CHECK(contains(error_message(container.command({"stats", "--interval", "1"})), "invalid duration"));
  CHECK(contains(error_message(container.command({"stats", "--format", "xml"})), "xml"));
}

TEST_CASE("stats on a terminal redraws in place, and leaves it as it was", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  start(container);
  struct Case {
    const char* name;
    int status;
  };
  for (const Case& how : {Case{"q", 0}, {"\x03", 0}, {"TERM", 143}, {"end", 0}}) {
    INFO(how.name);
    Screen screen;
    Child child = screen.stats(container, {"--interval", "50ms", container.id()});
    const std::string first = screen.until("q: quit");
    CHECK(contains(first, enter));
    CHECK(contains(first, container.id()));
    CHECK_FALSE(contains(first, leave));
    CHECK((screen.mode().c_lflag & (ICANON | ECHO)) == 0);
    CHECK(contains(screen.until("q: quit"), "\x1b[HID "));  // the second look
    if (std::string(how.name) == "TERM")
      child.signal(SIGTERM);
    else if (std::string(how.name) == "end")
      REQUIRE_OK(container.kill("KILL"));
    else
      screen.type(how.name);
    screen.until(leave);
    CHECK(child.wait().status == how.status);
    screen.check_restored();
  }
}

TEST_CASE("stats follows the size of its terminal", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  start(container);
  Screen screen;
  Child child = screen.stats(container, {"--interval", "1h"});
  CHECK(contains(screen.until("q: quit"), "PSI IO"));
  const winsize narrow{24, 60, 0, 0};
  REQUIRE(ioctl(screen.master.get(), TIOCSWINSZ, &narrow) == 0);
  const std::string redrawn = screen.until("q: quit");
  CHECK(contains(redrawn, "MEMORY / LIMIT"));
  CHECK_FALSE(contains(redrawn, "PSI IO"));
  screen.type("q");
  CHECK(child.wait().status == 0);
}

TEST_CASE("stats shows containers that come and go", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  Screen screen;
  REQUIRE_OK(container.create());
  Child child = screen.stats(container, {"--interval", "50ms"});
  screen.until("no running container");
  REQUIRE_OK(container.start());
  screen.until(container.id());
  REQUIRE_OK(container.kill("KILL"));
  screen.until("no running container");
  screen.type("q");
  CHECK(child.wait().status == 0);
}

TEST_CASE("stats on a terminal that can't draw prints lines", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  start(container);
  Screen screen;
  Child child = screen.stats(container, {"--interval", "20ms"}, "dumb");
  const std::string seen = screen.until(container.id());
  CHECK_FALSE(contains(seen, "\x1b"));
  child.signal(SIGKILL);
}

TEST_CASE("a printed table has the colours and the width that the environment wants", "[stats]") {
  ONLY_OCX("no other runtime has stats");
  Bundle bundle;
  Container container(bundle);
  start(container);
  struct Case {
    const char *term, *variable;
    bool colours, wide;
  };
  for (const Case& each : {Case{"xterm", "NO_COLOR=", true, true},
                           {"xterm", "NO_COLOR=1", false, true},
                           {"dumb", "NO_COLOR=", false, true},
                           {"xterm", "COLUMNS=60", true, false},
                           {"xterm", "COLUMNS=0", true, true}}) {
    INFO(each.term << " " << each.variable);
    Screen screen;
    Child child = screen.stats(container, {"--no-stream", "--interval", "1ms"}, each.term, each.variable);
    const std::string seen = screen.until(container.id());
    CHECK(contains(seen, "\x1b[1m") == each.colours);
    CHECK(contains(seen, "PSI IO") == each.wide);
    CHECK(child.wait().status == 0);
  }
}
