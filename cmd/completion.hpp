// Completion scripts, made from the tables of commands and options. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/command.hpp"

namespace ocx::cmd {

/// What a shell offers for a word.
struct Offer {
  enum class Kind { nothing, files, directories, containers, words };
  Kind kind = Kind::nothing;
  std::vector<std::string> words = {};  // of Kind::words
};

/// One argument of a command, as `Command::positionals` names it.
struct Positional {
  std::string name;
  Offer offer;
  bool optional = false, repeated = false;
};

/// For the value of an option that has one.
Offer offer_for(const Option& option);
/// The arguments of a command, in order; only the last can be repeated.
std::vector<Positional> positionals_of(const Command& command);
/// The options of a command with --help.
std::vector<Option> options_of(const Command& command);
/// The option may be given several times, as its help says.
bool is_repeatable(const Option& option);

std::string bash_completion(std::span<const Command* const> commands, std::span<const Option> globals);
std::string zsh_completion(std::span<const Command* const> commands, std::span<const Option> globals);
std::string fish_completion(std::span<const Command* const> commands, std::span<const Option> globals);

}  // namespace ocx::cmd
