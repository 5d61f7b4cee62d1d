// Where messages go: stderr or --log DEST, as text or JSON lines. Library code logs only "…, ignoring" and
// debug.
#pragma once

#include <string>
#include <string_view>

namespace ocx::sys {

enum class LogLevel { error, warning, info, debug };
enum class LogFormat { text, json };

struct LogOptions {
  std::string file;  // empty: stderr; PATH, file:PATH, journald:NAME or syslog:NAME
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::warning;
};

/// Opens the sink (append, created 0644). A file that can't be opened is not fatal: messages go to stderr
/// alone. The sink is the only process-wide state of ocx; it is set once by cmd/main.cpp.
void log_open(const LogOptions& options);
/// The descriptor of the log file, or -1; init keeps it open until just before exec.
int log_descriptor();
bool log_enabled(LogLevel level);
void log(LogLevel level, std::string_view message);
inline void log_debug(std::string_view message) {
  log(LogLevel::debug, message);
}
inline void log_warning(std::string_view message) {
  log(LogLevel::warning, message);
}
/// The command's final error: into the log in its format, and plain `ocx: <message>` on stderr. Without a log
/// there is stderr alone, in JSON when that is the format.
void log_final_error(std::string_view message);

}  // namespace ocx::sys
