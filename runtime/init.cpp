#include "runtime/init.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/handshake.hpp"
#include "runtime/hooks.hpp"
#include "runtime/init_context.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/program.hpp"
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
    return request(MessageType::request_tree, (recursive ? "r" : "-") + path);
  }
  sys::UniqueFd request_idmapped(const Origin& origin) override {
    return request(MessageType::request_idmapped, origin);
  }
  std::string receive_seccomp() override {
    wait_for_cgroup();
    if (!seccomp_) seccomp_ = channel_.expect(MessageType::seccomp).payload;
    return *seccomp_;
  }
  void send_listener(sys::FdRef listener) override { channel_.send(MessageType::listener, {}, {listener}); }
  void announce_listener(int number, sys::FdRef event) override {
    channel_.send(MessageType::listener, std::to_string(number), {event});
  }
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
  sys::UniqueFd request(MessageType type, const std::string& what) {
    wait_for_cgroup();  // its message comes first on this stream
    channel_.send(type, what);
    Message reply = expect(MessageType::tree);
    if (reply.fds.size() != 1) throw Error("handshake: no tree came for " + sys::quote(what));
    return std::move(reply.fds[0]);
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
  void take(const std::vector<InitStep>& steps, const char* stage) {
    run_steps(context_, steps, stage, arguments_.fail_at);
  }
  void wait_for_parent();
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
  take(plan_.build, "build");
  channel_.send(MessageType::rootfs_ready);
  wait_for_parent();
  run_hooks(plan_.hooks.create_container, hook_context("createContainer", spec::Status::creating));
  // Before Landlock rules may hide /etc/passwd.
  env_ = settled_environment(context_);
  take(plan_.enter, "enter");
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
  keep_only({channel_.fd().raw(), gate_.ref().raw(), context_.proc.fd().raw(), sys::log_descriptor(),
             arguments_.hook_output->output.ref().raw(), arguments_.hook_output->error_output.ref().raw()},
            plan_.preserve_fds);
  // Others may share this pid namespace: none of them may attach to init or look at its descriptors
  // (CVE-2016-9962).
  if ((plan_.namespaces.new_flags & CLONE_NEWPID) == 0) {
    conversation_.wait_for_id_maps();  // an unprivileged parent could not write them (proc(5), "dumpable")
    sys::prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);
  }
  sys::setsid();
  sys::reset_signals(context_.proc);
}

void Init::wait_for_parent() {
  if (!plan_.parent_acts_between()) return;
  if (conversation_.next().type != MessageType::hooks_done) throw Error("handshake: hooks_done was due");
}

void Init::wait_for_start() {
  // A container may wait for days: nothing of the host stays open meanwhile (a kept log pipe hangs its
  // reader).
  std::vector<int> kept{channel_.fd().raw(), gate_.ref().raw()};
  if (!plan_.hooks.start_container.empty())
    for (const sys::FdRef fd :
         {arguments_.hook_output->output.ref(), arguments_.hook_output->error_output.ref()})
      kept.push_back(fd.raw());
  keep_only(std::move(kept), plan_.preserve_fds);
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
  context.output = arguments_.hook_output;
  return context;
}

int Init::exec() {
  const sys::Argv argv(plan_.args), envp(env_);
  Channel& listener = at_gate_ ? starter_ : channel_;
  listener.send(MessageType::ready);
  // Not merely close-on-exec: execve itself must not be able to walk through a descriptor of the host's
  // (CVE-2024-21626).
  sweep_descriptors(plan_.preserve_fds, listener.fd().raw());
  take(plan_.last, "last");
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
