// Who answers a filter's notifications: the listener travels from the process to the agent at listenerPath.
#include <cerrno>

#include "runtime/seccomp.hpp"
#include "spec/version.hpp"
#include "sys/error.hpp"
#include "sys/seccomp.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* listener_origin = "/linux/seccomp/listenerPath";

/// runtime.md, "The Container Process State"; "seccompFd" is the name of the one descriptor sent along.
std::string process_state(const spec::Seccomp& profile, int pid, const spec::State& state) {
  std::string text = "{\"ociVersion\":" + sys::json_string(spec::oci_version_max) +
                     ",\"fds\":[\"seccompFd\"],\"pid\":" + std::to_string(pid);
  if (!profile.listener_metadata.empty())
    text += ",\"metadata\":" + sys::json_string(profile.listener_metadata);
  return text + ",\"state\":" + spec::write_hook_state(state) + "}";
}

/// What process has at that number, once `event` tells that it is there. Nothing when the filter could not be
/// loaded: the process says why.
sys::UniqueFd fetch_listener(sys::FdRef event, sys::FdRef pidfd, int number) {
  sys::poll_readable({event, pidfd}, -1);
  sys::FdResult listener = sys::try_pidfd_getfd(pidfd, number);
  if (listener.error_number == EBADF || listener.error_number == ESRCH) return {};
  if (!listener)
    throw Error::from_errno("pidfd_getfd of the seccomp listener", listener.error_number)
        .hint("the filter stops sendmsg, so ocx needs Linux 5.6 and the right to trace the process");
  return std::move(listener.fd);
}

}  // namespace

sys::UniqueFd take_listener(Message message, sys::FdRef pidfd) {
  if (message.fds.size() != 1) throw Error("handshake: no seccomp listener came");
  sys::UniqueFd listener = std::move(message.fds[0]);
  if (!message.payload.empty()) {
    const auto number = sys::parse_uint(message.payload);
    if (!number || *number > 0x7fffffff) throw Error("handshake: malformed number of a seccomp listener");
    listener = fetch_listener(listener, pidfd, static_cast<int>(*number));
    if (!listener) return listener;
  }
  if (!sys::is_seccomp_listener(listener)) throw Error("handshake: what came is no seccomp listener");
  return listener;
}

void send_listener(const spec::Seccomp& profile, int pid, const spec::State& state, sys::FdRef listener) {
  try {
    const sys::UniqueFd agent = sys::connect_unix(profile.listener_path);
    sys::send_packet(agent, process_state(profile, pid, state), {listener});
  } catch (Error& error) {
    throw error.in("hand over the seccomp listener").at(listener_origin);
  }
}

}  // namespace ocx::runtime
