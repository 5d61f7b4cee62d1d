// SCMP_ACT_NOTIFY: the agent at listenerPath gets the listener and the container process state, and answers.
#include <catch2/catch.hpp>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <set>

#include "tests/harness/container.hpp"
#include "tests/harness/descriptor_socket.hpp"
#include "tests/integration/seccomp_profile.hpp"

using namespace ocx::test;

namespace {

using Lines = std::vector<std::string>;

/// Listens at a path; takes listeners, and answers what is asked through them: mkdir with EXDEV, all else may
/// go on.
class Agent {
 public:
  explicit Agent(const Bundle& bundle) : path(bundle.scratch() / "agent"), socket_(path) {}

  /// Serves until the program has ended.
  Result serve(Child& child) {
    const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0)));
    while (step(ended.get())) {
    }
    return child.wait();
  }
  /// Serves until a process has ended that need not be a child.
  void serve_until_gone(pid_t pid) {
    const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    while (step(ended.get())) {
    }
  }

  Path path;
  std::vector<json> states;  // of each connection
  std::set<int> calls;       // system calls that were asked about

 private:
  bool step(int ended) {
    std::vector<pollfd> entries{{ended, POLLIN, 0}, {socket_.fd(), POLLIN, 0}};
    for (const Fd& listener : listeners_) entries.push_back({listener.get(), POLLIN, 0});
    REQUIRE(::poll(entries.data(), entries.size(), 20000) > 0);
    for (size_t i = 2; i < entries.size(); ++i) {
      if ((entries[i].revents & POLLIN) != 0) answer(entries[i].fd);
      if ((entries[i].revents & (POLLHUP | POLLERR)) == 0) continue;
      listeners_.erase(listeners_.begin() + static_cast<std::ptrdiff_t>(i) - 2);
      return true;
    }
    if ((entries[1].revents & POLLIN) != 0) take();
    return entries[0].revents == 0;
  }

  void take() {
    listeners_.push_back(socket_.receive());
    states.push_back(parse_json(socket_.data));
  }

  void answer(int listener) {
    seccomp_notif request{};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
    calls.insert(request.data.nr);
    seccomp_notif_resp response{};
    response.id = request.id;
    if (request.data.nr == SYS_mkdir || request.data.nr == SYS_mkdirat)
      response.error = -EXDEV;
    else
      response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }

  DescriptorSocket socket_;
  std::vector<Fd> listeners_;
};

json notify_profile(const Agent& agent, const Lines& names) {
  return {{"defaultAction", "SCMP_ACT_ALLOW"},
          {"listenerPath", agent.path.string()},
          {"listenerMetadata", "for \"us\""},
          {"syscalls", {seccomp_rule(names, "SCMP_ACT_NOTIFY")}}};
}

Lines run_with(Bundle& bundle, Agent& agent) {
  Container container(bundle);
  bundle.save();
  Child run = container.spawn({"run", "--bundle", bundle.path(), container.id()});
  const Result result = agent.serve(run);
  REQUIRE_OK(result);
  return lines(result.out);
}

}  // namespace

TEST_CASE("seccomp notify: the agent gets the state and answers", "[seccomp][notify]") {
  Bundle bundle({"/bin/probe", "try", "mkdir", "/made"});
  Agent agent(bundle);
  bundle.config["linux"]["seccomp"] = notify_profile(agent, {"mkdir", "mkdirat"});
  bundle.config["annotations"]["a"] = "b";
  Container container(bundle);
  bundle.save();
  Child create = container.spawn({"create", "--bundle", bundle.path(), container.id()});
  const Result created = agent.serve(create);
  REQUIRE_OK(created);
  const pid_t pid = container.pid();
  REQUIRE(agent.states.size() == 1);
  const json& state = agent.states[0];
  CHECK(state["fds"] == json{"seccompFd"});
  CHECK(state["pid"] == pid);
  CHECK(state["metadata"] == "for \"us\"");
  CHECK(state["ociVersion"].is_string());
  CHECK(state["state"]["id"] == container.id());
  CHECK(state["state"]["status"] == "creating");
  CHECK(state["state"]["pid"] == pid);
  CHECK(state["state"]["bundle"] == bundle.path().string());
  CHECK(state["state"]["annotations"]["a"] == "b");
  REQUIRE_OK(container.start());
  agent.serve_until_gone(pid);
  CHECK(container.wait_exit() == 0);
  CHECK(lines(created.out_now()) == Lines{"EXDEV"});
  CHECK(!std::filesystem::exists(bundle.rootfs() / "made"));
}

TEST_CASE("seccomp notify: with every privilege, and calls of ocx's own among the notified",
          "[seccomp][notify]") {
  ONLY_OCX("others can't hand a listener over when sendmsg or write is notified");
  const Lines own = {"sendmsg"}, more = {"sendmsg", "close", "shutdown"},
              most = {"sendmsg",     "close", "shutdown", "write",  "sendto",
                      "close_range", "prctl", "capset",   "recvmsg"};
  for (const Lines& names : {own, more, most})
    for (const bool no_new_privileges : {true, false}) {
      INFO(names.size() << " calls, noNewPrivileges " << no_new_privileges);
      Bundle bundle({"/bin/probe", "try", "mkdir", "/made"});
      bundle.process()["noNewPrivileges"] = no_new_privileges;
      bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
      Agent agent(bundle);
      Lines all = names;
      all.emplace_back("mkdir");
      bundle.config["linux"]["seccomp"] = notify_profile(agent, all);
      CHECK(run_with(bundle, agent) == Lines{"EXDEV"});
      CHECK(agent.states.size() == 1);
      CHECK(agent.calls.count(SYS_sendmsg) == 1);
    }
}

TEST_CASE("seccomp notify: a filter that can't be handed over is refused", "[seccomp][notify]") {
  ONLY_OCX("its own words");
  Bundle bundle;
  Agent agent(bundle);
  bundle.config["linux"]["seccomp"] =
      notify_profile(agent, {"sendmsg", "close", "shutdown", "write", "sendto", "close_range", "dup3"});
  Container container(bundle);
  const std::string message = error_message(container.create());
  CHECK(contains(message, "stops every call that could tell of its listener"));
  CHECK(contains(message, "/linux/seccomp"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("seccomp notify: no agent, no container", "[seccomp][notify]") {
  Bundle bundle;
  bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                       {"listenerPath", (bundle.scratch() / "nobody").string()},
                                       {"syscalls", {seccomp_rule({"mkdir"}, "SCMP_ACT_NOTIFY")}}};
  json& seccomp = bundle.config["linux"]["seccomp"];
  SECTION("nothing at the path") {}
  SECTION("not a socket") {
    write_file(bundle.scratch() / "nobody", "");
  }
  SECTION("no path") {
    seccomp.erase("listenerPath");
  }
  SECTION("sendmsg waits for him, too") {
    seccomp["syscalls"][0]["names"].push_back("sendmsg");
  }
  Container container(bundle);
  const std::string message = error_message(container.create());
  INFO(message);
  if (runtime_is_ocx())
    CHECK(
        contains(message, seccomp.contains("listenerPath") ? "/linux/seccomp/listenerPath" : "listenerPath"));
  CHECK(container.leftovers().empty());
}

TEST_CASE("seccomp notify: exec has a listener of its own", "[seccomp][notify][exec]") {
  Bundle bundle;
  Agent agent(bundle);
  Lines names{"mkdir", "mkdirat"};
  if (runtime_is_ocx()) names.emplace_back("sendmsg");
  bundle.config["linux"]["seccomp"] = notify_profile(agent, names);
  Container container(bundle);
  bundle.save();
  Child create = container.spawn({"create", "--bundle", bundle.path(), container.id()});
  REQUIRE_OK(agent.serve(create));
  Child start = container.spawn({"start", container.id()});
  REQUIRE_OK(agent.serve(start));
  Child exec = container.spawn({"exec", container.id(), "/bin/probe", "try", "mkdir", "/made"});
  const Result result = agent.serve(exec);
  REQUIRE_OK(result);
  CHECK(lines(result.out) == Lines{"EXDEV"});
  REQUIRE(agent.states.size() == 2);
  CHECK(agent.states[1]["state"]["status"] == "running");
  CHECK(agent.states[1]["state"]["pid"] == container.pid());
  CHECK(agent.states[1]["pid"] != container.pid());
}

TEST_CASE("seccomp: exec runs under the container's filter", "[seccomp][exec][contract]") {
  Bundle bundle;
  bundle.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                       {"syscalls", {seccomp_rule({"getcwd"}, "SCMP_ACT_ERRNO", 33)}}};
  for (const bool no_new_privileges : {true, false}) {
    bundle.process()["noNewPrivileges"] = no_new_privileges;
    Container container(bundle);
    REQUIRE_OK(container.create());
    REQUIRE_OK(container.start());
    for (const char* user : {"0:0", "1000:1000"}) {
      const Result result =
          container.command({"exec", "--user", user, container.id(), "/bin/probe", "syscall", "79"});
      REQUIRE_OK(result);
      CHECK(lines(result.out) == Lines{"EDOM"});
    }
    if (!runtime_is_ocx()) continue;
    // No compiler for exec, unless what create left is damaged or gone: then with the rules of config.json.
    const Path kept = container.state_directory() / "seccomp";
    for (const bool gone : {false, true}) {
      if (gone)
        std::filesystem::remove(kept);
      else
        write_file(kept, "x");
      const Result result = container.command({"exec", container.id(), "/bin/probe", "syscall", "79"});
      REQUIRE_OK(result);
      CHECK(contains(result.err, "compiling it again"));
      CHECK(lines(result.out) == Lines{"EDOM"});
    }
  }
}
