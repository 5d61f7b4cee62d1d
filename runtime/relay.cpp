#include "runtime/relay.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "sys/error.hpp"
#include "sys/socket.hpp"

namespace ocx::runtime {
namespace {

using Work = std::function<sys::CloneResult(Channel&)>;

[[noreturn]] void relay_main(const Work& join_and_clone, Channel& channel) noexcept {
  try {
    const sys::CloneResult child = join_and_clone(channel);
    channel.send(MessageType::ready, std::to_string(child.pid), {child.pidfd});
    ::_exit(0);
  } catch (const Error& error) {
    try {
      channel.send_error(error);
    } catch (...) {  // the parent is gone, and with it whoever would read this
    }
  } catch (...) {
  }
  ::_exit(1);
}

}  // namespace

sys::CloneResult clone_through_relay(const Work& join_and_clone) {
  auto ends = sys::socketpair_seqpacket();
  Channel channel(std::move(ends.first));
  const sys::CloneResult relay = sys::clone3(0);
  if (relay.pid == 0) {
    Channel to_parent(std::move(ends.second));
    channel.close();
    relay_main(join_and_clone, to_parent);
  }
  ends.second.reset();
  sys::CloneResult child;
  try {
    Message message = channel.expect(MessageType::ready);
    child.pid = std::atoi(message.payload.c_str());
    if (child.pid > 0 && message.fds.size() == 1) child.pidfd = std::move(message.fds[0]);
  } catch (...) {
    sys::wait_for_child(relay.pidfd);
    throw;
  }
  sys::wait_for_child(relay.pidfd);
  if (!child.pidfd)
    throw Error("the process that joined the namespaces could not clone the one that is wanted");
  return child;
}

}  // namespace ocx::runtime
