#include "cmd/globals.hpp"

#include "runtime/state_store.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"root", 0, "DIR",
     "where container state is kept, best on a tmpfs (default: /run/ocx; $XDG_RUNTIME_DIR/ocx for "
     "unprivileged users)"},
    {"log", 0, "DEST",
     "where messages go: FILE, file:FILE, journald:NAME or syslog:NAME (default: stderr); the final error is "
     "on stderr too"},
    {"log-format", 0, "FORMAT", "text, or json: one object per line with level, msg and time (default: text)",
     "text json"},
    {"log-level", 0, "LEVEL", "error, warning, info or debug (default: warning)", "error warning info debug"},
    {"debug", 0, nullptr, "the same as --log-level debug"},
    {"cgroup-manager", 0, "NAME",
     "who makes cgroups: cgroupfs, systemd, or disabled to stay in the caller's (default: cgroupfs)",
     "cgroupfs systemd disabled"},
    {"systemd-cgroup", 0, nullptr,
     "the same as --cgroup-manager systemd; cgroupsPath is then slice:prefix:name"},
    {"rootless", 0, "WHEN", "ignore missing rights on cgroups: true, false or auto (default: auto)",
     "true false auto"},
    {"criu", 0, "PATH", "no effect, accepted for callers written for old versions of runc"},
    {"version", 'v', nullptr, "print the version and exit"},
    {"help", 'h', nullptr, "print this help and exit"},
};

template <class Value, std::size_t N>
Value choose(const char* option, const std::string& text, const std::pair<const char*, Value> (&choices)[N]) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    if (*name != '\0') names.append(names.empty() ? "" : ", ").append(name);
  }
  throw Error(std::string("invalid value ") + sys::quote(text) + " for --" + option + ": use one of " + names,
              ErrorKind::usage);
}

constexpr std::pair<const char*, sys::LogFormat> formats[] = {{"text", sys::LogFormat::text},
                                                              {"json", sys::LogFormat::json}};
constexpr std::pair<const char*, sys::LogLevel> levels[] = {{"error", sys::LogLevel::error},
                                                            {"warning", sys::LogLevel::warning},
                                                            {"info", sys::LogLevel::info},
                                                            {"debug", sys::LogLevel::debug}};
constexpr std::pair<const char*, runtime::CgroupDriver> drivers[] = {
    {"cgroupfs", runtime::CgroupDriver::cgroupfs},
    {"systemd", runtime::CgroupDriver::systemd},
    {"disabled", runtime::CgroupDriver::disabled},
};
// runc takes an empty value for auto.
constexpr std::pair<const char*, runtime::Rootless> rootless_choices[] = {
    {"true", runtime::Rootless::yes},
    {"false", runtime::Rootless::no},
    {"auto", runtime::Rootless::automatic},
    {"", runtime::Rootless::automatic}};

sys::LogOptions log_options(const Arguments& arguments) {
  sys::LogOptions log;
  log.file = arguments.value_or("log", "");
  log.format = choose("log-format", arguments.value_or("log-format", "text"), formats);
  log.level = choose("log-level", arguments.value_or("log-level", "warning"), levels);
  if (arguments.flag("debug")) log.level = sys::LogLevel::debug;
  return log;
}

runtime::Globals runtime_globals(const Arguments& arguments) {
  runtime::Globals globals;
  const std::string root = absolute_path(arguments.value_or("root", ""));
  if (root == "/") throw Error("--root must not be \"/\"", ErrorKind::usage);
  globals.explicit_root = !root.empty();
  globals.root = runtime::state_root(root);
  globals.cgroup_driver = choose("cgroup-manager", arguments.value_or("cgroup-manager", "cgroupfs"), drivers);
  if (arguments.flag("systemd-cgroup")) globals.cgroup_driver = runtime::CgroupDriver::systemd;
  globals.rootless = choose("rootless", arguments.value_or("rootless", ""), rootless_choices);
  return globals;
}

}  // namespace

const std::span<const Option> global_options{options};

std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  return sys::clean_path(path.front() == '/' ? path : sys::current_directory() + "/" + path);
}

GlobalRequest parse_globals(const std::vector<std::string>& words) {
  const Arguments arguments = parse_arguments(options, words, Order::before_positionals);
  GlobalRequest request;
  request.version = arguments.flag("version");
  request.help = arguments.flag("help");
  request.log = log_options(arguments);
  request.runtime = runtime_globals(arguments);
  if (arguments.value("criu")) request.warnings.emplace_back("--criu has no effect, ignoring");
  request.rest = arguments.positional();
  return request;
}

}  // namespace ocx::cmd
