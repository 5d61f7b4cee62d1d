// The texts of --help and --version.
#pragma once

#include <string>
#include <string_view>

#include "cmd/command.hpp"

namespace ocx::cmd {

/// `ocx --help`: commands by the life of a container, then the global options.
std::string general_help();
/// `ocx COMMAND --help`.
std::string command_help(const Command& command);
/// `ocx --version`. `program` is argv[0]: installed under another name, ocx reports that one, for engines
/// check it.
std::string version_text(std::string_view program);

}  // namespace ocx::cmd
