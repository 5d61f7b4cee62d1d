#include "runtime/init.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/environment.hpp"
#include "runtime/executable.hpp"
#include "runtime/handshake.hpp"
#include "runtime/hooks.hpp"
#include "runtime/init_context.hpp"
#include "runtime/passed_fds.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/signals.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

/// The steps' view of the handshake.
class Conversation final : public InitChannel {
 public:
  Conversation(const InitArguments& arguments, Channel& channel)
      : maps_due_(!arguments.plan.namespaces.uid_maps.empty()),
        cgroup_due_(!arguments.cgroup_joined),
        channel_(channel) {}

  void wait_for_id_maps() override {
    if (maps_due_) expect(MessageType::id_maps_written);
    maps_due_ = false;
  }
  void wait_for_cgroup() override {
    wait_for_id_maps();
    if (cgroup_due_) expect(MessageType::cgroup_joined);
    cgroup_due_ = false;
  }
  void send_console(sys::FdRef master) override { channel_.send(MessageType::console, {}, {master}); }
  sys::UniqueFd request_tree(const std::string& path, bool recursive) override {
    wait_for_cgroup();  // its message comes first on this stream
    channel_.send(MessageType::request_tree, (recursive ? "r" : "-") + path);
    Message reply = expect(MessageType::tree);
    if (reply.fds.size() != 1) throw Error("handshake: no tree came for " + sys::quote(path));
    return std::move(reply.fds[0]);
  }
  std::string receive_seccomp() override {
    wait_for_cgroup();
    if (!seccomp_) seccomp_ = channel_.expect(MessageType::seccomp).payload;
    return *seccomp_;
  }
  void send_listener(sys::FdRef listener) override { channel_.send(MessageType::listener, {}, {listener}); }
  /// The next message after those the steps did not have to wait for.
  Message next() {
    wait_for_cgroup();
    return receive();
  }

 private:
  /// The filter comes whenever it is compiled, so between any two others.
  Message receive() {
    Message message = channel_.receive();
    if (message.type != MessageType::seccomp) return message;
    seccomp_ = std::move(message.payload);
    return channel_.receive();
  }
  Message expect(MessageType type) {
    Message message = receive();
    if (message.type != type) throw Error("handshake: another message was due");
    return message;
  }

  std::optional<std::string> seccomp_;
  bool maps_due_, cgroup_due_;
  Channel& channel_;
};

/// Closes what the parent had open and init has no use for: the state directory (its lock would outlive the
/// command), cgroup directories, the parent's end of the handshake (or end of file would never be seen).
void keep_only(std::vector<int> wanted, unsigned passed) {
  std::sort(wanted.begin(), wanted.end());
  unsigned first = 3 + std::min(passed, 1U << 30U);  // an absurd count means all of them
  for (const int fd : wanted) {
    if (fd < 0 || static_cast<unsigned>(fd) < first) continue;
    if (static_cast<unsigned>(fd) > first) sys::close_range(first, static_cast<unsigned>(fd) - 1, false);
    first = static_cast<unsigned>(fd) + 1;
  }
  sys::close_range(first, ~0U, false);
}

uid_t payload_uid(const Plan& plan) {
  for (const InitStep& step : plan.enter)
    if (const auto* user = std::get_if<step::SetUser>(&step.action)) return user->uid;
  return 0;
}

Error exec_failure(const std::string& path, int error_number) {
  Error error = Error::from_errno("exec " + sys::quote(path), error_number);
  error.at("/process/args/0").hint(explain_exec_failure(path, error_number));
  return error;
}

class Init {
 public:
  explicit Init(const InitArguments& arguments)
      : arguments_(arguments),
        plan_(arguments.plan),
        channel_(sys::UniqueFd(arguments.channel.raw())),
        gate_(arguments.gate.raw()),
        conversation_(arguments, channel_),
        context_{plan_, arguments.proc, conversation_, {}, {}, {}, false, {}, "self"} {}

  /// Everything up to exec. Throws, or returns the errno of execve.
  int run();
  const std::string& executable() const { return context_.executable; }
  /// To whoever listens: `start` at the gate, else the parent.
  void report(const Error& error) noexcept {
    try {
      (at_gate_ ? starter_ : channel_).send_error(error);
    } catch (...) {  // nobody there any more: the exit status has to do
    }
  }

 private:
  void prologue();
  void run_steps(const std::vector<InitStep>& steps, const char* stage);
  void wait_for_parent();
  void settle_environment();
  void wait_for_start();
  int exec();
  HookContext hook_context(const char* kind, spec::Status status) const;

  const InitArguments& arguments_;
  const Plan& plan_;
  Channel channel_, starter_;
  bool at_gate_ = false;
  sys::UniqueFd gate_;
  Conversation conversation_;
  InitContext context_;
  std::vector<std::string> env_;
};

int Init::run() {
  prologue();
  run_steps(plan_.build, "build");
  channel_.send(MessageType::rootfs_ready);
  wait_for_parent();
  run_hooks(plan_.hooks.create_container, hook_context("createContainer", spec::Status::creating));
  run_steps(plan_.enter, "enter");
  settle_environment();
  // The parent of `create` ends right after its commit, which must not take init along; should it end before,
  // end of file on the channel says so.
  sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, 0);
  channel_.send(MessageType::ready);
  wait_for_start();
  HookContext start = hook_context("startContainer", spec::Status::created);
  start.default_env = env_;
  run_hooks(plan_.hooks.start_container, start);
  return exec();
}

void Init::prologue() {
  // A parent that dies takes init along until the container is committed; end of file on the handshake covers
  // the moments in which a change of ids has reset this (prctl(2)).
  sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL);
  keep_only({channel_.fd().raw(), gate_.ref().raw(), context_.proc.fd().raw(), sys::log_descriptor()},
            plan_.preserve_fds);
  // Others may share this pid namespace: none of them may attach to init or look at its descriptors
  // (CVE-2016-9962).
  if ((plan_.namespaces.new_flags & CLONE_NEWPID) == 0) sys::prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);
  sys::setsid();
  sys::reset_signals(context_.proc);
}

void Init::run_steps(const std::vector<InitStep>& steps, const char* stage) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (sys::log_enabled(sys::LogLevel::debug))
      sys::log_debug(std::string("init: ") + describe(steps[i].action));
    try {
      if (!arguments_.fail_at.empty() && arguments_.fail_at == stage + (":" + std::to_string(i)))
        throw Error("failure asked for before: " + describe(steps[i].action));
      std::visit([this](const auto& action) { execute(context_, action); }, steps[i].action);
    } catch (Error& error) {
      error.at(steps[i].origin);
      throw;
    }
  }
}

void Init::wait_for_parent() {
  if (!plan_.parent_acts_between()) return;
  if (conversation_.next().type != MessageType::hooks_done) throw Error("handshake: hooks_done was due");
}

void Init::settle_environment() {
  env_ = plan_.env;
  if (plan_.has_process && variable(env_, "HOME").value_or("").empty())
    set_variable(env_, "HOME", home_directory(context_.root, payload_uid(plan_)));
  // sd_listen_fds(3): the number is only believed by the process it is addressed to.
  if (plan_.listen_fds > 0) {
    set_variable(env_, "LISTEN_FDS", std::to_string(plan_.listen_fds));
    set_variable(env_, "LISTEN_PID", std::to_string(::getpid()));
  }
}

void Init::wait_for_start() {
  // A container may wait for days: nothing of the host stays open meanwhile (a kept log pipe hangs its
  // reader).
  keep_only({channel_.fd().raw(), gate_.ref().raw()}, plan_.preserve_fds);
  const Message word = conversation_.next();
  if (word.type == MessageType::start) return;
  if (word.type != MessageType::commit || !gate_) throw Error("handshake: commit or start was due");
  channel_.close();
  starter_ = Channel(sys::accept(gate_));
  at_gate_ = true;
  gate_.reset();
  starter_.expect(MessageType::start);
}

HookContext Init::hook_context(const char* kind, spec::Status status) const {
  HookContext context;
  context.kind = kind;
  context.state.id = plan_.id;
  context.state.status = status;
  context.state.pid = ::getpid();  // as seen inside: these hooks run in the container's namespaces
  context.directory = status == spec::Status::creating ? plan_.rootfs : "/";
  context.state.bundle = plan_.bundle;
  context.state.annotations = plan_.annotations;
  return context;
}

int Init::exec() {
  const sys::Argv argv(plan_.args), envp(env_);
  Channel& listener = at_gate_ ? starter_ : channel_;
  listener.send(MessageType::ready);
  // Not merely close-on-exec: execve itself must not be able to walk through a descriptor of the host's
  // (CVE-2024-21626).
  sweep_descriptors(plan_.preserve_fds, listener.fd().raw());
  run_steps(plan_.last, "last");
  return sys::execve(context_.executable, argv, envp);
}

}  // namespace

void init_main(const InitArguments& arguments) noexcept {
  Init init(arguments);
  try {
    const int error = init.run();
    init.report(exec_failure(init.executable(), error));
  } catch (const PeerGone&) {
    // The parent died before it committed: nobody will ever start this container.
  } catch (const Error& error) {
    init.report(error);
  } catch (const std::exception& error) {
    init.report(Error(std::string("init: ") + error.what()));
  }
  ::_exit(1);
}

}  // namespace ocx::runtime
