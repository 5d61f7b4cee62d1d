// The parent's side of the conversation with init: who waits for what is in handshake.hpp.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/adopt.hpp"
#include "runtime/launch.hpp"
#include "runtime/limit_cause.hpp"
#include "runtime/messages.hpp"
#include "runtime/seccomp.hpp"
#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

std::string how_it_ended(const sys::ExitStatus& status) {
  if (status.signal != 0) return "container init was killed by signal " + std::to_string(status.signal);
  return "container init ended with status " + std::to_string(status.code);
}

}  // namespace

void Launch::with_inits_words(const std::function<void()>& talk) {
  try {
    talk();
  } catch (const PeerGone&) {
    rethrow_with_cause();
  } catch (const Error& error) {
    if (!init_has_failed_) hear_init_out(error);
    throw;
  }
}

void Launch::hear_init_out(const Error& ours) {
  try {
    while (sys::poll_readable({channel_.fd()}, 0) == 0) serve_until(MessageType::error);
  } catch (const PeerGone&) {
    const int error = ours.error_number();
    if (error == EPIPE || error == ECONNRESET || error == ESRCH) rethrow_with_cause();
  } catch (const Error&) {
    if (init_has_failed_) throw;  // else init merely went on
  }
}

void Launch::serve_until(MessageType wanted) {
  for (;;) {
    Message message;
    try {
      message = channel_.receive();
    } catch (const PeerGone&) {
      throw;
    } catch (Error& error) {
      init_has_failed_ = true;
      if (plan_.resources) blame_pids_limit(error, cgroup_->paths(), *plan_.resources);
      const bool exec = error.message().starts_with("exec: ");
      if (!exec) error.in(messages::init_failed);
      error.in(messages::start_failed);
      throw;
    }
    if (message.type == wanted) return;
    if (message.type == MessageType::request_tree)
      serve_tree(message.payload);
    else if (message.type == MessageType::request_idmapped)
      channel_.send(MessageType::tree, {}, {idmapped_mounts_.make(plan_, message.payload, init_.pid)});
    else if (message.type == MessageType::console && plan_.terminal && message.fds.size() == 1 && !console_)
      console_ = std::move(message.fds[0]);
    else if (message.type == MessageType::listener && plan_.seccomp)
      serve_listener(std::move(message));
    else
      throw Error("handshake: message " + std::to_string(static_cast<unsigned>(message.type)) +
                  " is not due");
  }
}

void Launch::serve_tree(const std::string& request) {
  if (request.size() < 2) throw Error("handshake: malformed request for a tree");
  const unsigned recursive = request[0] == 'r' ? AT_RECURSIVE : 0;
  if (::geteuid() != 0)
    throw Error::from_errno("open_tree " + sys::quote(request.substr(1)), EACCES)
        .hint("the container has the rights of the calling user, without his supplementary groups");
  sys::FdResult tree;
  {
    // Cloned inside init's mount namespace, so that flags the kernel locked there stay locked.
    AdoptedNamespaces adopted(proc_);
    adopted.join_mounts_of(init_.pid);
    tree = sys::try_open_tree(sys::FdRef::cwd(), request.substr(1),
                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  }
  if (!tree) throw_errno("open_tree " + sys::quote(request.substr(1)), tree.error_number);
  channel_.send(MessageType::tree, {}, {tree.fd});
}

void Launch::offer_seccomp(bool compile) {
  if (!plan_.seccomp || seccomp_sent_) return;
  std::optional<std::string> program;
  if (compile)
    program = compile_seccomp(directory_, *plan_.seccomp, plan_.annotations);
  else
    program = cached_seccomp(directory_, *plan_.seccomp, plan_.annotations);
  if (!program) return;
  channel_.send(MessageType::seccomp, *program);
  seccomp_sent_ = true;
}

// At once: init's own calls may be among those that wait for the agent.
void Launch::serve_listener(Message message) {
  const sys::UniqueFd listener = take_listener(std::move(message), init_.pidfd);
  if (!listener) return;
  send_listener(*plan_.seccomp, init_.pid, hook_state(record_, spec::Status::creating), listener);
}

void Launch::rethrow_with_cause() {
  if (!sys::pidfd_wait(init_.pidfd, 5000)) throw Error("container init closed its channel and did not end");
  const sys::ExitStatus status = sys::wait_for_child(init_.pidfd);
  init_.pidfd.reset();  // reaped: nothing is left for the rollback to kill
  std::optional<Error> cause;
  if (status.signal == SIGKILL)
    cause = oom_kill_error(cgroup_->paths(), plan_.resources.value_or(spec::Resources{}));
  if (!cause) cause = Error(how_it_ended(status));
  if (status.signal == SIGSYS && plan_.seccomp)
    cause->at("/linux/seccomp")
        .hint("the filter kills for a call ocx makes before exec; with noNewPrivileges that is execve alone");
  throw std::move(cause->in(messages::init_failed).in(messages::start_failed));
}

}  // namespace ocx::runtime
