// ocx-systemd: speaks with systemd for ocx, which is one static executable and so has no sd-bus. Requests
// come on its standard input, a packet socket; it ends with that. The one argument says whose systemd: system
// or user.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <exception>
#include <string>
#include <string_view>

#include "cgroups/systemd_request.hpp"
#include "cmd/ocx-systemd/unit.hpp"
#include "sys/error.hpp"
#include "sys/peer.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"

namespace ocx::helper {
namespace {

cgroups::UnitReply failure(const std::string& name, const std::string& text) {
  cgroups::UnitReply reply;
  reply.error_name = name;
  reply.error_text = text;
  return reply;
}

cgroups::UnitReply answer(const Bus& bus, const std::string& packet) {
  try {
    return serve(bus, cgroups::decode_request(packet));
  } catch (const Error& error) {
    return failure("", error.what());
  }
}

/// The connection is made before the first request comes: ocx asks for it while it does something else.
int serve_all(bool user) {
  const sys::FdRef socket = sys::standard_input;
  try {
    const Bus bus(user);
    for (;;) {
      const sys::Packet packet = sys::receive_packet(socket, cgroups::largest_packet);
      if (packet.closed) return 0;
      sys::send_packet(socket, cgroups::encode(answer(bus, packet.data)));
    }
  } catch (const BusError& error) {
    sys::send_packet(socket, cgroups::encode(failure(error.name(), error.text())));
  }
  return 1;
}

}  // namespace
}  // namespace ocx::helper

int main(int argc, char** argv) {
  try {
    // What a killed ocx began, its `delete --force` undoes: nobody is left to report to, and what is still in
    // the socket must not be done any more.
    ocx::sys::prctl("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL);
    if (ocx::sys::peer_pid(ocx::sys::standard_input) != ::getppid()) return 1;  // it has died before
    return ocx::helper::serve_all(argc > 1 && std::string_view(argv[1]) == "user");
  } catch (const std::exception&) {
    return 1;  // ocx has hung up, or this was not started by it
  }
}
