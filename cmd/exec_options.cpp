#include "cmd/exec_options.hpp"

#include "cmd/globals.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

/// What the `process` object of --process says instead.
constexpr const char* process_options[] = {"cwd", "env",      "user",          "additional-gids",
                                           "cap", "apparmor", "process-label", "no-new-privs"};

Error usage_error(std::string message) {
  return Error(std::move(message), ErrorKind::usage);
}

std::uint64_t capability_bits(const std::vector<std::string>& names) {
  std::uint64_t bits = 0;
  for (const std::string& name : names) {
    const auto number = spec::capability_number(name);
    if (!number)
      throw usage_error("unknown capability " + sys::quote(name) + " for --cap: write it as CAP_NET_ADMIN");
    bits |= std::uint64_t{1} << static_cast<unsigned>(*number);
  }
  return bits;
}

runtime::ExecChanges exec_changes(const Arguments& arguments) {
  runtime::ExecChanges changes;
  const auto& words = arguments.positional();
  changes.args.assign(words.begin() + 1, words.end());
  changes.cwd = arguments.value("cwd");
  changes.env = variables(arguments.values("env"));
  read_user(arguments, changes.uid, changes.gid);
  for (const std::string& gid : arguments.values("additional-gids"))
    changes.additional_gids.push_back(id_value("additional-gids", gid));
  changes.capabilities = capability_bits(arguments.values("cap"));
  changes.apparmor_profile = arguments.value("apparmor");
  changes.selinux_label = arguments.value("process-label");
  if (arguments.value("no-new-privs")) changes.no_new_privileges = arguments.flag("no-new-privs");
  changes.terminal = arguments.flag("tty");
  return changes;
}

/// Nothing that was asked for may be without effect.
void check_process_file(const Arguments& arguments) {
  const bool has_command = arguments.positional().size() > 1;
  if (!arguments.value("process")) {
    if (!has_command) throw usage_error("\"exec\" requires a command after the ID, or --process");
    return;
  }
  if (has_command) throw usage_error("--process and a command exclude each other");
  for (const char* option : process_options)
    if (arguments.value(option))
      throw usage_error(std::string("--process and --") + option +
                        " exclude each other: put it into the file");
}

}  // namespace

std::uint32_t id_value(std::string_view option, std::string_view text) {
  const auto number = sys::parse_uint(text);
  if (!number || *number >= UINT32_MAX)
    throw usage_error("invalid id " + sys::quote(text) + " for --" + std::string(option) +
                      ": use a number from 0 to 4294967294 (names are not looked up)");
  return static_cast<std::uint32_t>(*number);
}

void read_user(const Arguments& arguments, std::optional<std::uint32_t>& uid,
               std::optional<std::uint32_t>& gid) {
  const auto user = arguments.value("user");
  if (!user) return;
  const std::size_t colon = user->find(':');
  uid = id_value("user", std::string_view(*user).substr(0, colon));
  if (colon != std::string::npos) gid = id_value("user", std::string_view(*user).substr(colon + 1));
}

std::vector<std::string> variables(const std::vector<std::string>& env) {
  for (const std::string& entry : env)
    if (entry.find('=') == std::string::npos || entry.front() == '=')
      throw usage_error("invalid value " + sys::quote(entry) + " for --env: write it as NAME=VALUE");
  return env;
}

runtime::ExecRequest exec_request(const Arguments& arguments) {
  const auto path = [&arguments](const char* option) {
    return absolute_path(arguments.value_or(option, ""));
  };
  check_process_file(arguments);
  runtime::ExecRequest request;
  request.id = arguments.positional().front();
  request.process_file = path("process");
  request.changes = exec_changes(arguments);
  request.console_socket = path("console-socket");
  request.pidfd_socket = path("pidfd-socket");
  request.pid_file = path("pid-file");
  request.cgroups = arguments.values("cgroup");
  request.detach = arguments.flag("detach");
  request.ignore_paused = arguments.flag("ignore-paused");
  request.preserve_fds = count_value("preserve-fds", arguments.value_or("preserve-fds", "0"));
  return request;
}

}  // namespace ocx::cmd
