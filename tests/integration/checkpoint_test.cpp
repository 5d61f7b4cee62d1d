// checkpoint and restore, by the criu of the machine. It has to work there at all: `criu check`.
#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "tests/harness/cgroup.hpp"
#include "tests/harness/container.hpp"
#include "tests/harness/descriptor_socket.hpp"

using namespace ocx::test;

namespace {

/// Why criu can't be used here; empty: it can.
std::string criu_problem() {
  static const std::string problem = [] {
    const Result found = run({"/bin/sh", "-c", "command -v criu"});
    if (found.status != 0) return std::string("criu is not installed");
    const Result check = run({"criu", "check"});
    return check.status == 0 ? std::string() : "criu check fails on this kernel";
  }();
  return problem;
}

#define NEEDS_CRIU()                                        \
  do {                                                      \
    if (!criu_problem().empty()) SKIP_TEST(criu_problem()); \
  } while (false)

/// Appends 1, 2, 3, … to /count, and says each on stdout.
const char* const counter = "i=0; while :; do i=$((i+1)); echo $i >> /count; echo line $i; sleep 0.1; done";

struct Streams {
  Pipe output = make_pipe();
  RunOptions options() const {
    RunOptions result;
    result.fds = {{1, output.write_end.get()}};
    return result;
  }
};

Path image_of(const Bundle& bundle) {
  return bundle.scratch() / "image";
}

size_t counted(const Bundle& bundle) {
  return lines(read_file(bundle.rootfs() / "count")).size();
}

/// 1, 2, 3, … without a gap, a repetition or a new beginning.
bool counts_on(const Bundle& bundle) {
  size_t number = 0;
  for (const std::string& line : lines(read_file(bundle.rootfs() / "count")))
    if (line != std::to_string(++number)) return false;
  return number > 0;
}

void run_counter(Container& container, const Streams& streams) {
  container.bundle().shell(counter);
  REQUIRE_OK(container.run({"--detach"}, streams.options()));
  container.pid();
  wait_for_lines(container.bundle().rootfs() / "count", 2);
}

Result checkpoint(Container& container, const Path& image, std::vector<std::string> flags = {}) {
  std::vector<std::string> args{"checkpoint", "--image-path", image};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back(container.id());
  return container.command(args);
}

std::vector<std::string> restore_args(Container& container, const Path& image,
                                      std::vector<std::string> flags = {}) {
  std::vector<std::string> args{"restore", "--image-path", image, "--bundle", container.bundle().path()};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back(container.id());
  return args;
}

/// Detached, and -no-subreaper as containerd writes it.
Result restore(Container& container, const Path& image, const RunOptions& options,
               std::vector<std::string> flags = {}) {
  flags.insert(flags.begin(), {"--detach", "-no-subreaper"});
  return container.command(restore_args(container, image, flags), options);
}

void dump_counter(Container& container, const Streams& streams) {
  run_counter(container, streams);
  REQUIRE_OK(checkpoint(container, image_of(container.bundle())));
  wait_and_reap(container.pid());
}

}  // namespace

TEST_CASE("a restored container goes on where it was, with all that belongs to it",
          "[checkpoint][criu][qemu][contract]") {
  NEEDS_CRIU();
  Bundle bundle;
  write_file(bundle.scratch() / "shown", "shown\n");
  bundle.add_mount(
      {{"destination", "/etc/shown"}, {"source", bundle.scratch() / "shown"}, {"options", {"bind", "ro"}}});
  bundle.config["linux"]["resources"]["pids"]["limit"] = 77;
  bundle.config["hooks"]["poststart"] = {
      {{"path", host_probe()}, {"args", {"probe", "hook", bundle.scratch() / "hooks", "poststart"}}}};
  Container container(bundle);
  const Streams before, after;
  dump_counter(container, before);
  // As engines know it after a checkpoint.
  const Result gone = container.remove();
  CHECK(gone.status == 1);
  CHECK(contains(gone.err, "does not exist"));
  CHECK(container.leftovers().empty());
  const size_t lines_before = counted(bundle);

  const Path pid_file = bundle.scratch() / "pid";
  REQUIRE_OK(restore(container, image_of(bundle), after.options(), {"--pid-file", pid_file}));
  const json state = container.state_json();
  CHECK(read_file(pid_file) == std::to_string(state["pid"].get<int>()));
  CHECK(parent_of(state["pid"].get<int>()) == getpid());
  CHECK(state["status"] == "running");
  wait_for_lines(bundle.rootfs() / "count", lines_before + 2);
  CHECK(counts_on(bundle));
  CHECK(
      contains(read_until(after.output.read_end.get(), "line " + std::to_string(lines_before + 2)), "line"));
  CHECK(container.command({"exec", container.id(), "cat", "/etc/shown"}).out == "shown\n");
  CHECK(container.command({"exec", container.id(), "cat", "/proc/kcore"}).out.empty());  // masked
  CHECK(contains(read_cgroup_file(container, "pids", "pids.max").value_or(""), "77"));
  CHECK(contains(read_file(bundle.scratch() / "hooks"), "poststart"));
}

TEST_CASE("a paused container is dumped, left as it is or taken away",
          "[checkpoint][criu][qemu][pause][contract]") {
  NEEDS_CRIU();
  Bundle bundle;
  // An options file of the container's own.
  write_file(bundle.scratch() / "criu.conf", "log-file other.log\n");
  bundle.config["annotations"] = {{"org.criu.config", bundle.scratch() / "criu.conf"}};
  Container container(bundle);
  const Streams streams;
  run_counter(container, streams);
  REQUIRE_OK(container.command({"pause", container.id()}));
  REQUIRE_OK(checkpoint(container, bundle.scratch() / "kept", {"--leave-running"}));
  CHECK(container.status() == "paused");
  CHECK(std::filesystem::exists(bundle.scratch() / "kept/other.log"));
  REQUIRE_OK(checkpoint(container, image_of(bundle)));
  wait_and_reap(container.pid());
  CHECK(container.leftovers().empty());
  const size_t lines_before = counted(bundle);
  REQUIRE_OK(restore(container, image_of(bundle), streams.options()));
  container.pid();
  CHECK(container.status() == "running");
  wait_for_lines(bundle.rootfs() / "count", lines_before + 1);
  CHECK(counts_on(bundle));
}

TEST_CASE("a pre-dump leaves less for the dump, and the container running", "[checkpoint][criu][qemu]") {
  NEEDS_CRIU();
  Bundle bundle;
  Container container(bundle);
  const Streams streams;
  run_counter(container, streams);
  const Result pre_dump = checkpoint(container, bundle.scratch() / "before", {"--pre-dump"});
  if (contains(pre_dump.err, "can't track changes of memory")) {
    CHECK(container.status() == "running");
    SKIP_TEST("this kernel has no soft-dirty bits");
  }
  REQUIRE_OK(pre_dump);
  CHECK(container.status() == "running");
  CHECK(contains(checkpoint(container, image_of(bundle), {"--parent-path", "../none"}).err, "../none"));
  CHECK(
      contains(checkpoint(container, image_of(bundle), {"--parent-path", bundle.scratch()}).err, "relative"));
  REQUIRE_OK(checkpoint(container, image_of(bundle), {"--parent-path", "../before"}));
  wait_and_reap(container.pid());
  CHECK(std::filesystem::exists(image_of(bundle) / "parent"));
  const size_t lines_before = counted(bundle);
  REQUIRE_OK(restore(container, image_of(bundle), streams.options()));
  container.pid();
  wait_for_lines(bundle.rootfs() / "count", lines_before + 1);
  CHECK(counts_on(bundle));
}

TEST_CASE("restore in the foreground, under another id, ends with the program's status",
          "[checkpoint][criu][qemu]") {
  NEEDS_CRIU();
  Bundle bundle;
  const Streams streams;
  {
    Container first(bundle);
    bundle.shell("trap 'exit 7' TERM; echo > /ready; while :; do sleep 0.1; echo >> /ready; done");
    REQUIRE_OK(first.run({"--detach"}, streams.options()));
    first.pid();
    wait_for_lines(bundle.rootfs() / "ready", 1);
    REQUIRE_OK(checkpoint(first, image_of(bundle)));
    wait_and_reap(first.pid());
  }
  Container second(bundle);
  const size_t lines_before = lines(read_file(bundle.rootfs() / "ready")).size();
  Child foreground = second.spawn(restore_args(second, image_of(bundle)), streams.options());
  wait_for_lines(bundle.rootfs() / "ready", lines_before + 1);
  CHECK(contains(read_file("/proc/" + std::to_string(second.pid()) + "/cgroup"), second.id()));
  REQUIRE_OK(second.kill("TERM"));
  CHECK(foreground.wait().status == 7);
  CHECK(second.leftovers().empty());
}

TEST_CASE("the terminal of a restored container is a new one", "[checkpoint][criu][qemu][console]") {
  NEEDS_CRIU();
  Bundle bundle;
  bundle.shell("while read line; do echo got $line; done");
  bundle.process()["terminal"] = true;
  Container container(bundle);
  DescriptorSocket first(bundle.scratch() / "first"), second(bundle.scratch() / "second");
  REQUIRE_OK(container.run({"--detach", "--console-socket", first.path}));
  container.pid();
  Fd master = first.receive();
  REQUIRE(write(master.get(), "one\n", 4) == 4);
  read_until(master.get(), "got one\r\n");
  REQUIRE_OK(checkpoint(container, image_of(bundle)));
  wait_and_reap(container.pid());
  REQUIRE_OK(restore(container, image_of(bundle), {}, {"--console-socket", second.path}));
  container.pid();
  master = second.receive();
  REQUIRE(write(master.get(), "two\n", 4) == 4);
  read_until(master.get(), "got two\r\n");
}

TEST_CASE("a dump that fails says why, and the container goes on", "[checkpoint][criu][qemu][contract]") {
  NEEDS_CRIU();
  Bundle bundle;
  // An open file without its name, which has another one: to be kept only on request.
  bundle.shell("exec 9> /a; ln /a /b; rm /a; echo > /ready; exec sleep 1000");
  Container container(bundle);
  REQUIRE_OK(container.run({"--detach"}, Streams().options()));
  container.pid();
  wait_for_file(bundle.rootfs() / "ready");
  const Path work = bundle.scratch() / "work";
  const Result failed = checkpoint(container, image_of(bundle), {"--work-path", work});
  CHECK(failed.status == 1);
  const std::string message = error_message(failed);
  CHECK(contains(message, "criu failed to dump: "));
  CHECK(contains(message, "link remap"));
  CHECK(contains(message, (work / "dump.log").string()));
  CHECK(contains(read_file(work / "dump.log"), "Error ("));
  CHECK(container.status() == "running");
  REQUIRE_OK(
      checkpoint(container, image_of(bundle), {"--work-path", work, "--link-remap", "--leave-running"}));
}

TEST_CASE("a restore that fails leaves nothing", "[checkpoint][criu][qemu]") {
  NEEDS_CRIU();
  Bundle bundle;
  Container container(bundle);
  const Streams streams;
  dump_counter(container, streams);
  const auto fails = [&](const char* text) {
    INFO(text);
    const Result failed = restore(container, image_of(bundle), streams.options());
    CHECK(failed.status == 1);
    CHECK(contains(error_message(failed), text));
    CHECK(container.leftovers().empty());
    CHECK(std::filesystem::exists(image_of(bundle) / "restore.log"));
  };
  // Late: all namespaces and the first process are there.
  bundle.config["hooks"]["createRuntime"] = {{{"path", "/bin/false"}}};
  bundle.save();
  fails("createRuntime hook #0");
  bundle.config.erase("hooks");
  bundle.save();
  std::filesystem::resize_file(image_of(bundle) / "core-1.img", 100);
  fails("criu failed to restore: ");
  std::filesystem::remove(image_of(bundle) / "descriptors.json");
  REQUIRE(mkfifo((image_of(bundle) / "descriptors.json").c_str(), 0600) == 0);
  fails("no regular file");
}

TEST_CASE("without criu nothing happens, and the error says what to install", "[checkpoint]") {
  ONLY_OCX("other words");
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  const std::string image = image_of(bundle);
  RunOptions without;
  without.env = {"PATH=/nowhere"};
  const Result created = checkpoint(container, image);
  CHECK(contains(created.err, "container cannot be checkpointed in created state"));
  REQUIRE_OK(container.start());
  const Result dump = container.command({"checkpoint", "--image-path", image, container.id()}, without);
  CHECK(dump.status == 1);
  CHECK(contains(error_message(dump), "criu is not in PATH"));
  CHECK(contains(dump.err, "install the package criu"));
  CHECK(contains(read_file(image_of(bundle) / "dump.log"), "criu is not in PATH"));
  CHECK(container.status() == "running");
  Container other(bundle);
  const Result restored = other.command(restore_args(other, image), without);
  CHECK(restored.status == 1);
  CHECK(contains(error_message(restored), "criu is not in PATH"));
  CHECK(other.leftovers().empty());
  CHECK(contains(checkpoint(other, image).err, "does not exist"));
  REQUIRE_OK(container.kill("KILL"));
  container.wait_exit();
  CHECK(contains(checkpoint(container, image).err, "container cannot be checkpointed in stopped state"));
}

TEST_CASE("what engines ask to know whether there is checkpoint and restore", "[checkpoint][contract]") {
  CHECK(runtime({"checkpoint", "--help"}).status == 0);
  const Result probe = runtime({"restore", "--lsm-mount-context"});
  CHECK(probe.status != 0);
  CHECK(contains(probe.out + probe.err, "flag needs an argument"));
}
