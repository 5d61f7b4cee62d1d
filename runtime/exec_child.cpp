#include "runtime/exec_child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/cpu_affinity.hpp"
#include "runtime/handshake.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/program.hpp"
#include "runtime/relay.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/signals.hpp"
#include "sys/socket.hpp"

namespace ocx::runtime {
namespace {

/// The steps' view of the conversation.
class Conversation final : public InitChannel {
 public:
  Conversation(const ExecArguments& arguments, Channel& channel)
      : cgroup_due_(arguments.cgroup_due), seccomp_(arguments.seccomp), channel_(channel) {}

  void wait_for_id_maps() override {}  // they were written when the container was created
  void wait_for_cgroup() override {
    if (cgroup_due_) channel_.expect(MessageType::cgroup_joined);
    cgroup_due_ = false;
  }
  void send_console(sys::FdRef master) override { channel_.send(MessageType::console, {}, {master}); }
  sys::UniqueFd request_tree(const std::string&, bool) override { throw Error("exec mounts nothing"); }
  sys::UniqueFd request_idmapped(const Origin&) override { throw Error("exec mounts nothing"); }
  std::string receive_seccomp() override { return seccomp_; }
  void send_listener(sys::FdRef listener) override { channel_.send(MessageType::listener, {}, {listener}); }
  void announce_listener(int number, sys::FdRef event) override {
    channel_.send(MessageType::listener, std::to_string(number), {event});
  }

 private:
  bool cgroup_due_;
  const std::string& seccomp_;
  Channel& channel_;
};

/// Attributes that take rights of the host are set by whoever has them still: before the user namespace is
/// joined.
void set_own_attributes(const ExecArguments& arguments) {
  for (const ParentStep& step : arguments.plan.attributes) {
    try {
      std::visit([&](const auto& action) { execute(0, arguments.target.proc, action); }, step.action);
    } catch (Error& error) {
      throw error.at(step.origin);
    }
  }
}

void join(const ExecArguments& arguments) {
  // Here, and not only in the parent, for a caller who can't be root there: what makes a process undumpable
  // also takes its own files in /proc away from it (proc(5)), and these were just needed.
  sys::prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);
  join_namespaces(arguments.target, arguments.namespaces);
}

bool has_scheduler(const Plan& plan) {
  return std::any_of(plan.attributes.begin(), plan.attributes.end(), [](const ParentStep& step) {
    return std::holds_alternative<step::SetScheduler>(step.action);
  });
}

class Joiner {
 public:
  explicit Joiner(const ExecArguments& arguments)
      : arguments_(arguments),
        plan_(arguments.plan),
        channel_(sys::UniqueFd(arguments.channel.raw())),
        conversation_(arguments, channel_),
        context_{plan_, arguments.target.proc, conversation_, {}, {}, {}, false, {}, "self"} {}

  /// Everything up to exec. Throws, or returns the errno of execve.
  int run();
  const std::string& executable() const { return context_.executable; }
  void report(const Error& error) noexcept {
    try {
      channel_.send_error(error);
    } catch (...) {  // nobody there any more: the exit status has to do
    }
  }

 private:
  void prologue();
  void enter_root();
  void wait_for_parent();
  int exec();

  const ExecArguments& arguments_;
  const Plan& plan_;
  Channel channel_;
  Conversation conversation_;
  InitContext context_;
  std::vector<std::string> env_;
};

int Joiner::run() {
  prologue();
  if (!arguments_.relay) {
    // A real-time policy is checked against the share of the cgroup.
    if (has_scheduler(plan_)) conversation_.wait_for_cgroup();
    set_own_attributes(arguments_);
    join(arguments_);
  }
  enter_root();
  run_steps(context_, plan_.build, "build", arguments_.fail_at);
  env_ = settled_environment(context_);  // before Landlock rules may hide /etc/passwd
  run_steps(context_, plan_.enter, "enter", arguments_.fail_at);
  wait_for_parent();
  return exec();
}

void Joiner::prologue() {
  // A parent that dies takes its child along, as long as nothing of the program has happened.
  sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL);
  keep_only({channel_.fd().raw(), arguments_.target.proc.fd().raw(), arguments_.target.pidfd.raw(),
             arguments_.root.raw(), sys::log_descriptor()},
            plan_.preserve_fds);
  sys::setsid();
  sys::reset_signals(arguments_.target.proc);
}

void Joiner::enter_root() {
  if (arguments_.root.raw() >= 0) {
    sys::fchdir(arguments_.root);
    sys::chroot(".");
  }
  context_.root = sys::openat(sys::FdRef::cwd(), "/", O_PATH | O_DIRECTORY);
}

void Joiner::wait_for_parent() {
  conversation_.wait_for_cgroup();
  set_cpu_affinity(arguments_.cpus, "final");
  if (arguments_.commit_due) channel_.expect(MessageType::commit);
}

int Joiner::exec() {
  const sys::Argv argv(plan_.args), envp(env_);
  sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, 0);
  channel_.send(MessageType::ready);
  // Not merely close-on-exec: execve itself must not be able to walk through a descriptor of the host's
  // (CVE-2024-21626).
  sweep_descriptors(plan_.preserve_fds, channel_.fd().raw());
  run_steps(context_, plan_.last, "last", arguments_.fail_at);
  return sys::execve(context_.executable, argv, envp);
}

[[noreturn]] void exec_main(const ExecArguments& arguments) noexcept {
  Joiner joiner(arguments);
  try {
    const int error = joiner.run();
    joiner.report(exec_failure(joiner.executable(), error));
  } catch (const PeerGone&) {  // the parent died: nobody waits for this process
  } catch (const Error& error) {
    joiner.report(error);
  } catch (const std::exception& error) {
    joiner.report(Error(std::string("exec: ") + error.what()));
  }
  ::_exit(1);
}

/// A pid namespace takes only children, and a caller without rights on the host can join it only from inside
/// the user namespace, which is no way back: so this runs in a process in between.
sys::CloneResult join_and_clone(const ExecArguments& arguments, Channel& channel) {
  sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL);
  sys::setsid();  // a process group of its own, whose I/O priority may be set
  set_own_attributes(arguments);
  join(arguments);
  sys::CloneResult child = sys::clone3(CLONE_PARENT);
  if (child.pid == 0) {
    channel.close();
    exec_main(arguments);
  }
  return child;
}

}  // namespace

sys::CloneResult clone_exec(const ExecArguments& arguments, std::optional<sys::FdRef> cgroup) {
  if (arguments.relay)
    return clone_through_relay([&](Channel& channel) { return join_and_clone(arguments, channel); });
  sys::CloneResult child = sys::clone3(0, cgroup);
  if (child.pid == 0) exec_main(arguments);
  return child;
}

}  // namespace ocx::runtime
