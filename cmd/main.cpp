// argv -> request -> runtime call -> exit code. The one place where errors end.
#include <unistd.h>

#include <exception>
#include <string>
#include <vector>

#include "cmd/globals.hpp"
#include "cmd/help.hpp"
#include "runtime/sealed_self.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

namespace ocx::cmd {
namespace {

constexpr int exit_unknown_command = 3;

int print(const std::string& text) {
  sys::write_all(sys::standard_output, text);
  return 0;
}

int fail_unknown(std::string_view name) {
  sys::log_final_error(unknown_command(name));
  return exit_unknown_command;
}

/// `ocx help`, `ocx help COMMAND`.
int help(const std::vector<std::string>& words) {
  if (words.size() < 2) return print(general_help());
  const Command* command = find_command(words[1]);
  return command == nullptr ? fail_unknown(words[1]) : print(command_help(*command));
}

int run_command(const Command& command, const GlobalRequest& request) {
  try {
    const Arguments arguments = parse_command(command, {request.rest.begin() + 1, request.rest.end()});
    if (arguments.flag("help")) return print(command_help(command));
    if (command.run_program != nullptr) return command.run_program(request, arguments);
    return command.run(request.runtime, arguments);
  } catch (Error& error) {
    if (!command.failure.empty() && error.kind() != ErrorKind::usage) error.in(command.failure);
    if (error.kind() == ErrorKind::usage) error.hint("see `ocx " + std::string(command.name) + " --help`");
    throw;
  }
}

/// `failure_code` becomes that of the command.
int dispatch(char** argv, const std::vector<std::string>& words, int& failure_code) {
  const GlobalRequest request = parse_globals(words);
  sys::log_open(request.log);
  for (const std::string& warning : request.warnings) sys::log_warning(warning);
  if (request.version) return print(version_text(argv[0] != nullptr ? argv[0] : "ocx"));
  if (request.help || request.rest.empty()) return print(general_help());
  const std::string& name = request.rest.front();
  if (name == "help" || name == "h") return help(request.rest);
  const Command* command = find_command(name);
  if (command == nullptr) return fail_unknown(name);
  failure_code = command->failure_code;
  if (command->enters_container) runtime::reexec_from_sealed_copy(argv, environ);
  return run_command(*command, request);
}

int run_main(int argc, char** argv) {
  int failure_code = 1;
  try {
    return dispatch(argv,
                    argc > 1 ? std::vector<std::string>(argv + 1, argv + argc) : std::vector<std::string>(),
                    failure_code);
  } catch (const std::exception& error) {
    sys::log_final_error(error.what());
    return failure_code;
  }
}

}  // namespace
}  // namespace ocx::cmd

int main(int argc, char** argv) {
  return ocx::cmd::run_main(argc, argv);
}
