// What a verb is to main.cpp: a row with its options, its help and its function. One .cpp a verb.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

struct GlobalRequest;

/// Help lists commands by the life of a container.
enum class Stage { prepare, begin, watch, act, finish, shell };

struct Command {
  std::string_view name;
  Stage stage;
  std::string_view summary;      // one line of `ocx --help`
  std::string_view positionals;  // "ID [SIGNAL]"
  std::size_t min_positionals, max_positionals;
  std::string_view description;  // what it does, when to use it
  std::string_view example;
  std::string_view exit_codes;
  std::span<const Option> options;
  Order order = Order::anywhere;
  /// The exit code. Errors are exceptions; `failure` is what precedes their message.
  int (*run)(const runtime::Globals& globals, const Arguments& arguments);
  std::string_view failure = {};
  /// The exit code of ocx's own errors.
  int failure_code = 1;
  /// It starts a process inside a container, so it must not run from the host's writable file
  /// (CVE-2019-5736).
  bool enters_container = false;
  /// Instead of `run`: becomes another program, which does all of the work.
  int (*run_program)(const GlobalRequest& request, const Arguments& arguments) = nullptr;
};

/// max_positionals of a command that takes as many as there are.
inline constexpr std::size_t any_number = SIZE_MAX;
inline constexpr std::string_view usual_exit_codes = "0 done, 1 any error";

/// Parses a command's words and checks the number of positionals. With --help among them that number does not
/// matter.
Arguments parse_command(const Command& command, const std::vector<std::string>& words);

/// All commands, in the order of their stages.
std::span<const Command* const> all_commands();
/// Null when there is none of that name.
const Command* find_command(std::string_view name);
/// "No help topic for 'x'" with the nearest command's name.
std::string unknown_command(std::string_view name);

}  // namespace ocx::cmd
