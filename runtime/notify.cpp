#include <cerrno>

#include "runtime/passed_fds.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* directory_name = "notify";
constexpr const char* socket_name = "notify.sock";
constexpr std::size_t message_limit = 65536;
constexpr int barrier_ms = 30'000;

// sd_notify(3): assignments, one a line.
bool says_ready(std::string_view message) {
  for (const std::string& line : sys::split(message, '\n'))
    if (line == "READY=1") return true;
  return false;
}

// What the container sends is not trusted: too long a message or a heap of descriptors is dropped.
bool received_ready(sys::FdRef socket) {
  try {
    return says_ready(sys::receive_packet(socket, message_limit).data);
  } catch (const Error& error) {
    sys::log_debug(std::string("notify socket: ") + error.what() + ", ignoring");
    return false;
  }
}

// sd_notify_barrier(3): the manager closes the descriptor when it has handled all that came before it. Only
// then may we, whom it knows as the sender, go.
void wait_until_handled(const std::string& outer) {
  sys::Pipe barrier = sys::make_pipe(sys::NonBlocking::none);
  sys::send_datagram(outer, "BARRIER=1", {barrier.write});
  barrier.write.reset();
  if (sys::poll_readable({barrier.read}, barrier_ms) < 0)
    sys::log_warning("the service manager did not answer the notify barrier within 30 s, ignoring");
}

}  // namespace

NotifyProxy::NotifyProxy(sys::FdRef state_directory, std::string outer_socket)
    : outer_(std::move(outer_socket)) {
  const int error_number = sys::try_mkdirat(state_directory, directory_name, 0755);
  if (error_number != 0 && error_number != EEXIST) throw_errno("mkdirat \"notify\"", error_number);
  const sys::UniqueFd directory =
      sys::openat(state_directory, directory_name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  sys::try_unlinkat(directory, socket_name);
  // The payload may be any user.
  socket_ = sys::bind_datagram(directory, socket_name, 0777);
}

void NotifyProxy::forward_until_ready(sys::FdRef pidfd, int pid) {
  // A container that ends without a word has its last message looked at too: the socket comes first.
  while (true) {
    if (sys::poll_readable({socket_, pidfd}, -1) != 0) return;
    if (received_ready(socket_)) break;
  }
  sys::send_datagram(outer_, "MAINPID=" + std::to_string(pid) + "\nREADY=1");
  wait_until_handled(outer_);
}

}  // namespace ocx::runtime
