#include "sys/log.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "sys/fd.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

enum class Destination { standard_error, file, journald, syslog };

struct Sink {
  Destination destination = Destination::standard_error;
  int fd = -1;  // never closed: it lives as long as the process, and init's close_range ends it there
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::warning;
  char identifier[32] = "ocx";  // of journald and syslog; an array, so that the sink needs no destructor
};

constinit Sink sink;

constexpr const char* journald_socket = "/run/systemd/journal/socket";
constexpr const char* syslog_socket = "/dev/log";

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warning:
      return "warning";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      return "debug";
  }
  return "debug";
}

/// Severities of syslog(3).
int severity(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return 3;
    case LogLevel::warning:
      return 4;
    case LogLevel::info:
      return 6;
    case LogLevel::debug:
      return 7;
  }
  return 7;
}

std::string json_line(LogLevel level, std::string_view message) {
  return std::string(R"({"level":")") + level_name(level) + R"(","msg":)" + json_string(message) +
         R"(,"time":")" + timestamp() + "\"}\n";
}

std::string text_line(LogLevel level, std::string_view message) {
  return "time=\"" + timestamp() + "\" level=" + level_name(level) + " msg=" + quote_all(message) + "\n";
}

/// For a person at a terminal: `ocx: warning: …`, the name in red for errors, in yellow otherwise.
std::string terminal_line(LogLevel level, std::string_view message) {
  std::string line = level == LogLevel::error ? "\x1b[31mocx:\x1b[0m " : "\x1b[33mocx:\x1b[0m ";
  if (message.starts_with("ocx ")) message.remove_prefix(4);
  if (level != LogLevel::error) line.append(level_name(level)).append(": ");
  return line.append(message).append("\n");
}

std::string one_line(std::string_view message) {
  std::string line(message);
  for (char& c : line)
    if (c == '\n' || c == '\0') c = ' ';
  return line;
}

std::string datagram(LogLevel level, std::string_view message) {
  const std::string priority = std::to_string(severity(level));
  const std::string text = sink.format == LogFormat::json ? json_line(level, message) : one_line(message);
  if (sink.destination == Destination::journald)
    return "PRIORITY=" + priority + "\nSYSLOG_IDENTIFIER=" + sink.identifier + "\nMESSAGE=" + one_line(text) +
           "\n";
  constexpr int daemon_facility = 3 << 3;
  return "<" + std::to_string(daemon_facility | severity(level)) + ">" + sink.identifier + ": " +
         one_line(text);
}

/// Logging has nobody to report its own failure to.
void write_quietly(int fd, std::string_view line) {
  if (::write(fd, line.data(), line.size()) < 0) return;
}

void write_to_stderr(LogLevel level, std::string_view message) {
  if (sink.format == LogFormat::json) return write_quietly(STDERR_FILENO, json_line(level, message));
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  write_quietly(STDERR_FILENO, terminal ? terminal_line(level, message) : text_line(level, message));
}

void write_to_sink(LogLevel level, std::string_view message) {
  switch (sink.destination) {
    case Destination::standard_error:
      return write_to_stderr(level, message);
    case Destination::file:
      return write_quietly(
          sink.fd, sink.format == LogFormat::json ? json_line(level, message) : text_line(level, message));
    case Destination::journald:
    case Destination::syslog: {
      const std::string packet = datagram(level, message);
      ::send(sink.fd, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }
}

int connect_datagram(const char* path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!socket || ::connect(socket.ref().raw(), generic, sizeof address) != 0) return -1;
  return socket.release();
}

void set_identifier(std::string_view identifier) {
  if (identifier.empty()) return;
  const std::string text = one_line(identifier.substr(0, sizeof sink.identifier - 1));
  std::memcpy(sink.identifier, text.c_str(), text.size() + 1);
}

void open_datagram(Destination destination, std::string_view identifier) {
  const char* path = destination == Destination::journald ? journald_socket : syslog_socket;
  sink.fd = connect_datagram(path);
  if (sink.fd < 0) return log_warning("log: connect " + quote(path) + " failed, logging to stderr");
  set_identifier(identifier);
  sink.destination = destination;
}

void open_file(const std::string& path) {
  FdResult file = try_openat(FdRef::cwd(), path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0644);
  if (!file) return;  // engines.md 27: the directory may be gone already; messages still reach stderr
  sink.fd = file.fd.release();
  sink.destination = Destination::file;
}

}  // namespace

void log_open(const LogOptions& options) {
  sink = Sink{};
  sink.format = options.format;
  sink.level = options.level;
  const std::string_view file = options.file;
  if (file.starts_with("journald:")) return open_datagram(Destination::journald, file.substr(9));
  if (file.starts_with("syslog:")) return open_datagram(Destination::syslog, file.substr(7));
  if (!file.empty()) open_file(std::string(file.starts_with("file:") ? file.substr(5) : file));
}

int log_descriptor() {
  return sink.fd;
}

bool log_enabled(LogLevel level) {
  return level <= sink.level;
}

void log(LogLevel level, std::string_view message) {
  if (log_enabled(level)) write_to_sink(level, message);
}

void log_final_error(std::string_view message) {
  if (sink.destination != Destination::standard_error)
    write_to_sink(LogLevel::error, message);
  else if (sink.format == LogFormat::json)
    return write_to_stderr(LogLevel::error, message);
  if (::isatty(STDERR_FILENO) != 0)
    return write_quietly(STDERR_FILENO, terminal_line(LogLevel::error, message));
  const std::string prefix =
      message.starts_with("ocx ") ? "" : "ocx: ";  // "ocx run failed: …" has it already
  write_quietly(STDERR_FILENO, prefix + std::string(message) + "\n");
}

}  // namespace ocx::sys
