#include "cgroups/systemd_client.hpp"

#include <signal.h>

#include <cerrno>
#include <cstdlib>

#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr const char* program_name = "ocx-systemd";
constexpr int end_ms = 2'000;

std::string executable() {
  std::string path = sys::readlinkat(sys::FdRef::cwd(), "/proc/self/exe");
  // A detached mount shows no path, a memfd its name.
  if (path != "/" && path.rfind("/memfd:", 0) != 0) return path;
  const char* told = std::getenv("OCX_EXECUTABLE");
  return told != nullptr && *told == '/' ? told : "";
}

/// What libsystemd looks at to find a bus.
std::vector<std::string> environment() {
  std::vector<std::string> result;
  for (const char* name : {"DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "XDG_RUNTIME_DIR"})
    if (const char* value = std::getenv(name)) result.push_back(std::string(name) + "=" + value);
  return result;
}

sys::Spawned start_program(sys::FdRef socket, bool user) {
  const std::vector<std::string> programs = client_programs();
  for (const std::string& path : programs) {
    sys::Spawned child = sys::spawn({path, {program_name, user ? "user" : "system"}, environment(), "/"},
                                    socket, sys::standard_error, sys::standard_error);
    if (child.error_number == 0) return child;
    if (child.error_number != ENOENT && child.error_number != ENOTDIR)
      throw_errno("exec " + sys::quote(path), child.error_number);
  }
  throw Error("the systemd cgroup driver needs the program ocx-systemd, which is not installed: " +
                  sys::join(programs, ", "),
              ErrorKind::unsupported)
      .hint("install it there, or use --cgroup-manager cgroupfs");
}

const char* in_words(const std::string& verb) {
  if (verb == "start") return "start";
  return verb == "set" ? "set properties of" : "stop";
}

/// sd-bus's errno of a connection that can't be made.
bool is_no_connection(const std::string& error_name) {
  for (const int number : {ENOENT, ECONNREFUSED, ENOMEDIUM, ECONNRESET, EACCES, ENOTCONN, EPERM})
    if (error_name == "System.Error." + std::to_string(number)) return true;
  return error_name == "org.freedesktop.DBus.Error.NoServer" ||
         error_name == "org.freedesktop.DBus.Error.ServiceUnknown";
}

const char* remedy(const UnitReply& reply, bool user) {
  if (is_no_connection(reply.error_name))
    return user ? "a user's manager is reached through $DBUS_SESSION_BUS_ADDRESS or $XDG_RUNTIME_DIR "
                  "(loginctl "
                  "enable-linger starts one without a login); or use --cgroup-manager cgroupfs"
                : "use --cgroup-manager cgroupfs";
  if (reply.error_name == "org.freedesktop.systemd1.UnitExists")
    return "another container or service has it: systemctl status shows whose it is";
  return "";
}

}  // namespace

std::vector<std::string> client_programs() {
  const std::string path = executable();
  const std::string directory = path.substr(0, path.rfind('/'));
  if (path.empty()) return {};
  return {directory + "/" + program_name, sys::clean_path(directory + "/../libexec/ocx/" + program_name)};
}

SystemdClient::SystemdClient(bool user) : user_(user) {
  auto [ours, theirs] = sys::socketpair_seqpacket();
  program_ = start_program(theirs, user);
  socket_ = std::move(ours);
}

SystemdClient::~SystemdClient() {
  socket_.reset();  // it ends with its standard input
  try {
    if (!sys::pidfd_wait(program_.pidfd, end_ms)) sys::pidfd_send_signal(program_.pidfd, SIGKILL);
    sys::wait_for_child(program_.pidfd);
  } catch (const Error& error) {
    sys::log_debug(std::string(error.what()) + ", ignoring");
  }
}

UnitReply SystemdClient::ask(const UnitRequest& request) {
  UnitReply reply;
  try {
    sys::send_packet(socket_, encode(request));
  } catch (const Error& error) {
    if (error.error_number() != EPIPE) throw;  // it has said before why it ended
  }
  if (sys::poll_readable({socket_}, job_ms + grace_ms) < 0) {
    sys::pidfd_send_signal(program_.pidfd, SIGKILL);
    reply.error_text = "no answer within " + std::to_string((job_ms + grace_ms) / 1000) + " s";
    throw failure(request, reply);
  }
  const sys::Packet packet = sys::receive_packet(socket_, largest_packet);
  if (packet.closed)
    reply.error_text = "ocx-systemd ended without an answer";
  else
    reply = decode_reply(packet.data);
  for (const std::string& warning : reply.warnings)
    sys::log_warning("unit " + sys::quote(request.unit) + ": " + warning + ", ignoring");
  if (!reply.ok) throw failure(request, reply);
  return reply;
}

Error SystemdClient::failure(const UnitRequest& request, const UnitReply& reply) const {
  std::string text = std::string(in_words(request.verb)) + " the systemd unit " + sys::quote(request.unit) +
                     ": " + reply.error_text;
  if (reply.error_name.find("org.") == 0) text += " (" + reply.error_name + ")";
  Error error(text, is_no_connection(reply.error_name) ? ErrorKind::unsupported : ErrorKind::failed);
  for (const UnitProperty& property : request.properties)
    if (property.name == reply.property && !property.origin.empty()) error.at(property.origin);
  if (const char* hint = remedy(reply, user_); *hint != '\0') error.hint(hint);
  return error;
}

}  // namespace ocx::cgroups
