// Pid files, descriptors and stdio as engines hand them over: docs/engine-contract.md, "Pid file,
// descriptors, stdio".
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

using Numbers = std::vector<int>;

bool is_member(pid_t pid, const std::string& controller) {
  for (const std::string& line : lines(read_file(cgroup_directory_of(pid, controller) / "cgroup.procs")))
    if (line == std::to_string(pid)) return true;
  return false;
}

}  // namespace

TEST_CASE("contract: create as containerd's shim calls it: nothing of the shim's is left in the container",
          "[contract][fd]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  bundle.save();
  Shim shim(container, bundle.path() / "log.json");
  const Path pid_file = bundle.path() / "init.pid";
  const Pipe out = make_pipe(), err = make_pipe();
  shim.options.fds[1] = out.write_end.get();
  shim.options.fds[2] = err.write_end.get();
  REQUIRE_OK(shim.call({"create", "--bundle", bundle.path(), "--pid-file", pid_file, container.id()}));
  const pid_t pid = strict_pid(read_file(pid_file));
  CHECK(pid == container.pid());
  CHECK(parent_of(pid) == getpid());  // the nearest subreaper's own child, and nobody of ocx beside it
  CHECK(adopted_children() == std::vector<pid_t>{pid});
  // What an engine reads as soon as create has returned.
  for (const char* controller : {"memory", "pids"}) CHECK(is_member(pid, controller));
  CHECK(cgroups_of(pid) != cgroups_of(getpid()));
  REQUIRE_OK(shim.call({"start", container.id()}));
  CHECK(wait_and_reap(pid) == 0);
  const json facts = parse_json(read_until(out.read_end.get(), "}\n"));
  CHECK(facts["open_fds"].get<Numbers>() == Numbers{0, 1, 2});
  CHECK(facts["pdeathsig"] == 0);
  CHECK(facts["fds"]["0"] == "/dev/null");
  for (const auto& [number, pipe] : {std::pair("1", &out), {"2", &err}})
    CHECK(facts["fds"][number].get<std::string>() ==
          std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(pipe->write_end.get())).string());
}

TEST_CASE("contract: the pid file of a caller in a pid namespace holds the caller's number",
          "[contract][pid_file]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  const std::string ocx = runtime_path() + " --root " + container.root().string();
  const std::string script = "set -e; " + ocx + " create --bundle " + bundle.path().string() +
                             " --pid-file pid $1; readlink /proc/$(cat pid)/ns/mnt /proc/self/ns/mnt; " +
                             ocx + " state $1; " + ocx + " delete --force $1";
  RunOptions options;
  options.cwd = bundle.scratch();
  const Result result =
      run({"unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh", container.id()}, options);
  REQUIRE_OK(result);
  const pid_t pid = strict_pid(read_file(bundle.scratch() / "pid"));
  CHECK(pid > 1);
  CHECK(pid < 1000);  // the namespace is a new one
  const Words text = lines(result.out);
  REQUIRE(text.size() > 2);
  CHECK(text[0].rfind("mnt:", 0) == 0);
  CHECK(text[0] != text[1]);
  CHECK(parse_json(result.out.substr(result.out.find('{')))["pid"] == pid);
}

TEST_CASE("contract: exec's pid file: overwritten when it works, as it was when it fails",
          "[contract][pid_file][exec]") {
  Bundle bundle;
  Container container(bundle);
  REQUIRE_OK(container.create());
  REQUIRE_OK(container.start());
  const Path pid_file = bundle.scratch() / "pid", process_file = bundle.scratch() / "process.json";
  json process = bundle.process();
  const auto exec = [&](const Words& args) {
    process["args"] = args;
    write_file(process_file, process.dump());
    return conmon_call({"--root", container.root()}, {"exec", "--pid-file", pid_file, "--process",
                                                      process_file, "--detach", container.id()});
  };
  const bool exists_before = GENERATE(true, false);
  if (exists_before) write_file(pid_file, "", 0600);  // CRI-O's
  const Result failed = exec({"/no/such"});
  CHECK(failed.status == 255);
  CHECK(error_message(failed).size() > 0);  // one line, which conmon hands on
  CHECK(std::filesystem::exists(pid_file) == exists_before);
  CHECK(read_file(pid_file).empty());
  REQUIRE_OK(exec({"/bin/sleep", "1000"}));
  const pid_t pid = strict_pid(read_file(pid_file));
  REQUIRE(pid > 1);
  CHECK(parent_of(pid) == getpid());
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(wait_and_reap(pid) == 137);
}

TEST_CASE("contract: podman's 38 descriptors, most of which are not open", "[contract][fd]") {
  ONLY_OCX("runc refuses a number that is not open");
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  const Pipe pipe = make_pipe();
  RunOptions options;
  options.fds = {{9, pipe.write_end.get()}, {40, pipe.write_end.get()}, {50, pipe.write_end.get()}};
  const Result created = container.create({"--preserve-fds", "38"}, options);
  REQUIRE_OK(created);
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(parse_json(created.out_now())["open_fds"].get<Numbers>() == Numbers{0, 1, 2, 9, 40});
}

// buildah keeps both ends of the container's stdio, and leaks them to each of its calls.
TEST_CASE("contract: a whole life as buildah leads it", "[contract][fd]") {
  Bundle bundle;
  bundle.shell("echo said; echo problem >&2; exit 6");
  Container container(bundle);
  bundle.save();
  Pipe out = make_pipe(), err = make_pipe();
  RunOptions leaky;
  leaky.cwd = bundle.path();
  for (int number : {3, 4, 8}) leaky.fds[number] = out.read_end.get();
  for (int number : {9, 13, 14}) leaky.fds[number] = out.write_end.get();
  for (int number : {15, 16}) leaky.fds[number] = err.read_end.get();
  for (int number : {17, 18}) leaky.fds[number] = err.write_end.get();
  const auto call = [&](const Words& words, const RunOptions& options) {
    return run(joined({runtime_path(), "--root", container.root()}, words), options);
  };
  RunOptions create = leaky;
  create.fds[1] = out.write_end.get();
  create.fds[2] = err.write_end.get();
  const Path pid_file = bundle.path() / "pid";
  // The manager of cgroups is known to create alone.
  REQUIRE_OK(call(
      joined(systemd_flag(), {"create", "--bundle", bundle.path(), "--pid-file", pid_file, container.id()}),
      create));
  const pid_t pid = strict_pid(read_file(pid_file));
  const auto status = [&] { return parse_json(call({"state", container.id()}, leaky).out)["status"]; };
  CHECK(status() == "created");
  REQUIRE_OK(call({"start", container.id()}, leaky));
  CHECK(wait_and_reap(pid) == 6);
  CHECK(status() == "stopped");
  out.write_end.close();
  err.write_end.close();
  CHECK(read_to_end(out.read_end.get()) == "said\n");
  CHECK(read_to_end(err.read_end.get()) == "problem\n");
  REQUIRE_OK(call({"delete", container.id()}, leaky));
  CHECK(container.leftovers().empty());
}

TEST_CASE("contract: a caller without stdio gives the container no descriptor of the runtime's",
          "[contract][fd]") {
  NOT_ON_RUNC("1.1 gives it its own, a directory of the host among them");
  Bundle bundle;
  bundle.shell("/bin/probe facts > /facts");
  Container container(bundle);
  bundle.save();
  REQUIRE_OK(run(joined({"sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"}, container.create_argv())));
  const pid_t pid = container.pid();
  REQUIRE_OK(run(joined({"sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"},
                        {runtime_path(), "--root", container.root(), "start", container.id()})));
  CHECK(wait_and_reap(pid) == 0);
  const json facts = parse_json(read_file(bundle.rootfs() / "facts"));
  CHECK(facts["fds"].size() <= 3);
  for (const auto& [number, file] : facts["fds"].items()) {
    INFO(number << " is " << file);
    CHECK((file == "/facts" || file == "/dev/null" || file == "/proc/self/fd"));
  }
}

TEST_CASE("contract: the caller's death after create changes nothing for the container",
          "[contract][crash]") {
  Bundle bundle;
  Container container(bundle);
  bundle.save();
  const Path pid_file = bundle.scratch() / "pid";
  const Words create = container.create_argv({"--pid-file", pid_file});
  // PDEATHSIG is about the thread that forked: here a shell that ends at once.
  REQUIRE_OK(run(joined({"sh", "-c", "setpriv --pdeathsig KILL \"$@\"; exit $?", "sh"}, create)));
  REQUIRE_OK(container.start());
  CHECK(container.status() == "running");
  CHECK(strict_pid(read_file(pid_file)) == container.pid());
}

TEST_CASE("contract: what hooks leave running holds neither output nor the log of the caller",
          "[contract][hooks][fd]") {
  ONLY_OCX("runc waits for the end of the hook's output");
  Bundle bundle;
  Path daemon_pid = bundle.scratch() / "daemon";
  const std::string kind = GENERATE("prestart", "poststart");
  bundle.config["hooks"][kind] =
      json::array({{{"path", host_probe()}, {"args", {"probe", "daemon", daemon_pid}}}});
  Container container(bundle);
  bundle.save();
  Shim shim(container, bundle.path() / "log.json");
  Pipe out = make_pipe();
  shim.options.fds[1] = shim.options.fds[2] = out.write_end.get();
  REQUIRE_OK(shim.call({"create", "--bundle", bundle.path(), container.id()}));
  const pid_t pid = container.pid();
  REQUIRE_OK(shim.call({"start", container.id()}));
  REQUIRE_OK(shim.call({"delete", "--force", container.id()}));
  wait_and_reap(pid);
  out.write_end.close();
  CHECK(read_to_end(out.read_end.get()).empty());
  const pid_t left = std::stoi(wait_for_file(daemon_pid).substr(4));
  CHECK(process_exists(left));
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(left) + "/fd")) {
    std::error_code gone;
    const std::string file = std::filesystem::read_symlink(entry.path(), gone);
    CHECK_FALSE(contains(file, "log.json"));
  }
  ::kill(left, SIGKILL);
  wait_and_reap(left);
}
