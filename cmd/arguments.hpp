// Words of the command line -> options and positionals, by the rules engines rely on (those of Go's flag
// package): one or two dashes, `--f=v` and `--f v`, booleans as `--f` or `--f=false`, the last of a repeated
// option wins.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/error.hpp"

namespace ocx::cmd {

/// One option of a command, as a constexpr row: parser, help and tests read the same table.
struct Option {
  const char* name;             // long name, without dashes
  char letter = 0;              // short name, or 0
  const char* value = nullptr;  // what help calls its value ("DIR"); null: a boolean
  const char* help = "";        // with unit and default
  /// What completion offers for its value, separated by blanks; null: what `value` names ("DIR").
  const char* offers = nullptr;
};

/// Where options may stand. After its first positional, `kill` takes every word as it is: `kill ID -9`.
/// With command_after_dashes what follows "--" is a command, and no positional: `run ID -- ls -l`.
enum class Order { anywhere, before_positionals, command_after_dashes };

class Arguments {
 public:
  void add_option(std::string name, std::string value) {
    options_.emplace_back(std::move(name), std::move(value));
  }
  void add_positional(std::string word) { positional_.push_back(std::move(word)); }
  void add_command_word(std::string word) { command_.push_back(std::move(word)); }

  /// A boolean option; false when it is not there.
  bool flag(std::string_view name) const;
  /// The value of an option; nothing when it is not there.
  std::optional<std::string> value(std::string_view name) const;
  /// All values of a repeated option, in the order given.
  std::vector<std::string> values(std::string_view name) const;
  std::string value_or(std::string_view name, std::string_view fallback) const;
  const std::vector<std::string>& positional() const { return positional_; }
  /// Names and values, in the order given.
  const std::vector<std::pair<std::string, std::string>>& options() const { return options_; }
  /// What stands behind "--" (Order::command_after_dashes).
  const std::vector<std::string>& command() const { return command_; }

 private:
  std::vector<std::pair<std::string, std::string>> options_;  // in the order given
  std::vector<std::string> positional_, command_;
};

struct UnknownOption : Error {
  UnknownOption(std::string message, std::string option)
      : Error(std::move(message), ErrorKind::usage), name(std::move(option)) {}
  std::string name;  // without dashes
};

/// Errors (ErrorKind::usage): UnknownOption, with the nearest known one; missing value; bad boolean.
Arguments parse_arguments(std::span<const Option> options, const std::vector<std::string>& words,
                          Order order);

/// A decimal number up to 1023 (no process has that many descriptors to pass without asking for it); usage
/// error else.
unsigned count_value(std::string_view option, std::string_view text);

}  // namespace ocx::cmd
