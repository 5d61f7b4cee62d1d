// Hooks, annotations and missing privileges as engines meet them: docs/engine-contract.md, "Hooks and the
// rest".
#include <sys/resource.h>

#include "tests/integration/engine_calls.hpp"

using namespace ocx::test;

namespace {

json shell_hook(const std::string& script) {
  return {{"path", "/bin/sh"}, {"args", {"sh", "-c", script}}, {"env", {"PATH=/usr/bin:/bin"}}};
}

/// Create as a caller without these capabilities, "-sys_resource,-net_raw".
Result create_without(Container& container, const std::string& capabilities) {
  container.bundle().save();
  const Result result = run(joined({"setpriv", "--bounding-set", capabilities, "--inh-caps", capabilities},
                                   container.create_argv()));
  if (result.status == 0) container.pid();
  return result;
}

}  // namespace

// Docker: `/proc/DOCKERD/exe libnetwork-setkey -exec-root=… ID KEY`, which looks for the network namespace of
// .pid.
TEST_CASE("contract: Docker's prestart hook by /proc/PID/exe gets at the container's network from outside",
          "[contract][hooks]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  const Path log = bundle.scratch() / "log";
  const std::string script =
      "read state; pid=${state##*\\\"pid\\\":}; pid=${pid%%[!0-9]*}; "
      "{ echo \"$state\"; readlink /proc/$pid/ns/net; readlink /proc/self/ns/mnt; cat /proc/$pid/comm; } > " +
      log.string();
  // The daemon is a shell here; it waits for a word.
  const Pipe word = make_pipe(), ready = make_pipe();
  RunOptions options;
  options.fds = {{0, word.read_end.get()}, {1, ready.write_end.get()}};
  const Child daemon({"/bin/sh", "-c", "echo ready; read word"}, options);
  read_until(ready.read_end.get(), "ready");
  json hook = shell_hook(script);
  hook["path"] = "/proc/" + std::to_string(daemon.pid()) + "/exe";
  bundle.config["hooks"]["prestart"] = json::array({hook});
  bundle.config["annotations"] = {{"org.example.key", "value"}};
  Container container(bundle);
  REQUIRE_OK(container.create());
  const Words text = lines(read_file(log));
  REQUIRE(text.size() == 4);
  const json state = parse_json(text[0]);
  CHECK(state["id"] == container.id());
  CHECK(state["pid"] == container.pid());
  CHECK((state["status"] == "creating" || state["status"] == "created"));
  CHECK(state["bundle"] == bundle.path().string());
  const auto link = [](pid_t pid, const std::string& name) {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/ns/" + name).string();
  };
  CHECK(text[1] == link(container.pid(), "net"));
  CHECK(text[1] != link(getpid(), "net"));
  CHECK(text[2] == link(getpid(), "mnt"));
}

TEST_CASE("contract: a failing hook's own words reach the engine, in one line of the log",
          "[contract][hooks][log]") {
  Bundle bundle;
  const std::string kind = GENERATE("prestart", "createRuntime");
  bundle.config["hooks"][kind] =
      json::array({shell_hook("cat > /dev/null; echo no network for you >&2; exit 3")});
  Container container(bundle);
  bundle.save();
  const Shim shim(container, bundle.scratch() / "log.json");
  const Result result = shim.call({"create", "--bundle", bundle.path(), container.id()});
  CHECK(result.status == 1);
  CHECK(contains(result.err, "no network for you"));
  CHECK(container.leftovers().empty());
  if (!runtime_is_ocx()) return;  // runc 1.1 logs two
  REQUIRE(lines(read_file(shim.log)).size() == 1);
  CHECK(contains(parse_json(read_file(shim.log))["msg"].get<std::string>(), "no network for you"));
}

TEST_CASE("contract: NOTIFY_SOCKET and conmon's own variables stay out of the container",
          "[contract][notify]") {
  Bundle bundle({"/bin/probe", "facts"});
  bundle.process()["env"] = {"PATH=/bin",
                             "NOTIFY_SOCKET=/run/notify/notify.sock"};  // podman's, in its own mount
  Container container(bundle);
  bundle.save();
  const Result created = conmon_call(joined({"--root", container.root()}, systemd_flag()),
                                     {"create", "--bundle", bundle.path(), container.id()});
  REQUIRE_OK(created);
  container.pid();
  REQUIRE_OK(direct_call({"--root", container.root()}, {"start", container.id()}));
  CHECK(container.wait_exit() == 0);
  const Words env = parse_json(created.out_now())["env"].get<Words>();
  for (const std::string& entry : env) CHECK(entry.rfind("_OCI_", 0) != 0);
  CHECK(std::count(env.begin(), env.end(), "NOTIFY_SOCKET=/run/notify/notify.sock") == 1);
}

TEST_CASE("contract: annotations of engines that mean nothing to a runtime are ignored",
          "[contract][annotations]") {
  Bundle bundle({"/bin/probe", "exit", "0"});
  bundle.config["annotations"] = {
      {"io.podman.annotations.autoremove", "FALSE"}, {"io.container.manager", "libpod"},
      {"io.kubernetes.cri-o.TTY", "false"},          {"io.kubernetes.cri.container-type", "sandbox"},
      {"com.docker.network.driver.mtu", "1500"},     {"run.oci.something.new", "1"},
      {"org.criu.config", "/etc/criu/runc.conf"}};
  Container container(bundle);
  const Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.err.empty());
}

TEST_CASE("contract: a privilege that the caller lacks is named, whatever needs it",
          "[contract][errors][process]") {
  Bundle bundle({"/bin/probe", "facts"});
  Container container(bundle);
  SECTION("to lower oom_score_adj") {
    bundle.process()["oomScoreAdj"] = -998;  // of CRI's sandbox
    const Result result = create_without(container, "-sys_resource");
    CHECK(result.status == 1);
    CHECK(contains(result.err, "oom_score_adj"));
    if (runtime_is_ocx()) CHECK(contains(error_message(result), "permission denied"));
  }
  SECTION("to raise a limit") {
    rlimit own{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
    const rlim_t more = own.rlim_max + 1;
    bundle.process()["rlimits"] = json::array({{{"type", "RLIMIT_NOFILE"}, {"soft", more}, {"hard", more}}});
    const Result result = create_without(container, "-sys_resource");
    CHECK(result.status == 1);
    CHECK(contains(error_message(result), "operation not permitted"));
    if (runtime_is_ocx()) CHECK(contains(result.err, "RLIMIT_NOFILE"));
  }
  SECTION("to hold a capability") {
    ONLY_OCX("runc refuses without its name");
    bundle.capabilities({"CAP_KILL", "CAP_SYS_PACCT"});
    const Result result = create_without(container, "-sys_pacct");
    REQUIRE_OK(result);  // a warning: config.md, "process.capabilities"
    CHECK(contains(result.err, "CAP_SYS_PACCT"));
    CHECK(contains(result.err, "level=warning"));
    REQUIRE_OK(container.start());
    CHECK(container.wait_exit() == 0);
    const json facts = parse_json(result.out_now());
    CHECK(std::stoul(facts["status"]["CapBnd"].get<std::string>(), nullptr, 16) == 1U << 5U);
    return;
  }
  CHECK(container.leftovers().empty());
}
