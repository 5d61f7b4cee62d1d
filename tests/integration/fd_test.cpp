// Descriptors: the payload gets 0, 1, 2 and those asked for, and nobody holds the caller's pipes open.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

using Numbers = std::vector<int>;

struct Opened {
  Fd file{open("/dev/zero", O_RDONLY | O_CLOEXEC)};
  RunOptions options;
  // Makes these numbers open, and not close-on-exec, in the runtime.
  explicit Opened(const Numbers& numbers) {
    for (int number : numbers) options.fds[number] = file.get();
  }
};

Numbers range(int from, int to) {
  Numbers list;
  for (int i = from; i <= to; ++i) list.push_back(i);
  return list;
}

Numbers payload_fds(const std::vector<std::string>& flags, const RunOptions& options) {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  Result created = container.create(flags, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  return parse_json(created.out_now())["open_fds"].get<Numbers>();
}

ino_t inode(int fd) {
  struct stat facts {};
  REQUIRE(fstat(fd, &facts) == 0);
  return facts.st_ino;
}

}  // namespace

TEST_CASE("inherited descriptors do not reach the payload", "[fd][contract]") {
  Opened opened(range(3, 20));
  CHECK(payload_fds({}, opened.options) == Numbers{0, 1, 2});
}

TEST_CASE("the runtime leaks none of its own descriptors", "[fd]") {
  CHECK(payload_fds({}, {}) == Numbers{0, 1, 2});
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  Result result = container.run();
  REQUIRE_OK(result);
  CHECK(parse_json(result.out)["open_fds"] == json({0, 1, 2}));
}

TEST_CASE("preserve-fds hands over exactly that many", "[fd][contract]") {
  Opened opened(range(3, 20));
  CHECK(payload_fds({"--preserve-fds", "2"}, opened.options) == Numbers{0, 1, 2, 3, 4});
  CHECK(payload_fds({"--preserve-fds=1"}, opened.options) == Numbers{0, 1, 2, 3});
  CHECK(payload_fds({"--preserve-fds", "0"}, opened.options) == Numbers{0, 1, 2});
}

TEST_CASE("preserve-fds with holes and beyond what is open leaks nothing", "[fd]") {
  ONLY_OCX("runc refuses a number that is not open");
  Opened opened({3, 5, 9});
  CHECK(payload_fds({"--preserve-fds", "4"}, opened.options) == Numbers{0, 1, 2, 3, 5});
  CHECK(payload_fds({"--preserve-fds", "100"}, {}) == Numbers{0, 1, 2});
}

TEST_CASE("a preserved descriptor is the caller's file", "[fd]") {
  Bundle bundle({"/bin/probe", "cat", "4"});
  Container container(bundle);
  Pipe pipe = make_pipe();
  REQUIRE(write(pipe.write_end.get(), "through\n", 8) == 8);
  pipe.write_end.close();
  RunOptions options;
  options.fds = {{3, pipe.read_end.get()}, {4, pipe.read_end.get()}};
  Result result = container.run({"--preserve-fds", "2"}, options);
  REQUIRE_OK(result);
  CHECK(result.out == "through\n");
}

TEST_CASE("LISTEN_FDS are passed on with LISTEN_PID=1", "[fd][contract]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  Opened opened(range(3, 10));
  opened.options.add_env = {"LISTEN_FDS=2"};
  Numbers expected{0, 1, 2, 3, 4};
  std::vector<std::string> flags;
  SECTION("alone") {}
  SECTION("preserved ones come after them") {
    flags = {"--preserve-fds", "1"};
    expected.push_back(5);
  }
  bundle.save();
  // The protocol wants the pid of the process that is to take them, as systemd's fork before exec has it.
  std::vector<std::string> argv{"/bin/sh", "-c", "export LISTEN_PID=$$; exec \"$@\"", "sh"};
  for (const std::string& word : container.create_argv(flags)) argv.push_back(word);
  Result created = run(argv, opened.options);
  REQUIRE_OK(created);
  container.pid();
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  json facts = parse_json(created.out_now());
  CHECK(facts["open_fds"].get<Numbers>() == expected);
  auto env = facts["env"].get<std::vector<std::string>>();
  CHECK(std::count(env.begin(), env.end(), "LISTEN_FDS=2") == 1);
  CHECK(std::count(env.begin(), env.end(), "LISTEN_PID=1") == 1);
}

TEST_CASE("a damaged LISTEN_FDS passes nothing", "[fd]") {
  Opened opened(range(3, 10));
  for (const char* value : {"LISTEN_FDS=", "LISTEN_FDS=0", "LISTEN_FDS=x", "LISTEN_FDS=-1"}) {
    if (!runtime_is_ocx() && std::string(value) != "LISTEN_FDS=" && std::string(value) != "LISTEN_FDS=0")
      continue;
    INFO(value);
    opened.options.add_env = {value};
    CHECK(payload_fds({}, opened.options) == Numbers{0, 1, 2});
  }
}

TEST_CASE("a caller that leaks both ends of its pipe still gets the end of file", "[fd][contract]") {
  Bundle bundle;
  bundle.shell("echo said");
  Container container(bundle);
  Pipe pipe = make_pipe();
  RunOptions options;
  options.fds = {{1, pipe.write_end.get()}, {10, pipe.read_end.get()}, {11, pipe.write_end.get()}};
  REQUIRE_OK(container.create({}, options));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  pipe.write_end.close();
  CHECK(read_to_end(pipe.read_end.get()) == "said\n");
}

TEST_CASE("the payload's standard streams are the caller's pipes", "[fd][contract]") {
  Bundle bundle;
  Container container(bundle);
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  RunOptions options;
  options.fds = {{0, in.read_end.get()}, {1, out.write_end.get()}, {2, err.write_end.get()}};
  REQUIRE_OK(container.create({}, options));
  REQUIRE_OK(container.start());
  std::string base = "/proc/" + std::to_string(container.pid()) + "/fd/";
  for (auto [number, fd] : options.fds) {
    struct stat facts {};
    REQUIRE(stat((base + std::to_string(number)).c_str(), &facts) == 0);
    CHECK(facts.st_ino == inode(fd));
  }
}

TEST_CASE("a user other than root may reopen its standard streams", "[fd][contract]") {
  Bundle bundle;
  bundle.shell("echo out > /dev/stdout && echo err > /dev/stderr");
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  Container container(bundle);
  Pipe out = make_pipe(), err = make_pipe();
  RunOptions options;
  options.fds = {{1, out.write_end.get()}, {2, err.write_end.get()}};
  REQUIRE_OK(container.create({}, options));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  out.write_end.close();
  err.write_end.close();
  CHECK(read_to_end(out.read_end.get()) == "out\n");
  CHECK(read_to_end(err.read_end.get()) == "err\n");
}

TEST_CASE("the host's /dev/null keeps its owner", "[fd][contract]") {
  struct stat before {
  }, after{};
  REQUIRE(stat("/dev/null", &before) == 0);
  Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  Container container(bundle);
  RunOptions options;
  options.fds = {{0, null.get()}, {1, null.get()}, {2, null.get()}};
  REQUIRE_OK(container.create({}, options));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  REQUIRE(stat("/dev/null", &after) == 0);
  CHECK(before.st_uid == after.st_uid);
  CHECK(before.st_gid == after.st_gid);
  CHECK(before.st_mode == after.st_mode);
}

TEST_CASE("a hook that leaves a daemon does not hold the runtime's output open", "[fd][contract]") {
  ONLY_OCX("runc waits for the end of the hook's output");
  Bundle bundle;
  Path daemon_pid = bundle.scratch() / "daemon";
  bundle.config["hooks"]["poststart"] =
      json::array({{{"path", host_probe()}, {"args", {"probe", "daemon", daemon_pid}}}});
  Container container(bundle);
  REQUIRE_OK(container.create());
  Pipe out = make_pipe();
  RunOptions options;
  options.fds = {{1, out.write_end.get()}, {2, out.write_end.get()}};
  REQUIRE_OK(container.command({"start", container.id()}, options));
  out.write_end.close();
  CHECK(read_to_end(out.read_end.get()).empty());
  pid_t left = std::stoi(wait_for_file(daemon_pid).substr(4));
  CHECK(process_exists(left));
  ::kill(left, SIGKILL);
  wait_and_reap(left);
}
