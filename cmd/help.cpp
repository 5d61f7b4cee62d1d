#include "cmd/help.hpp"

#include "cmd/globals.hpp"
#include "ocx/version.hpp"
#include "spec/version.hpp"

namespace ocx::cmd {
namespace {

constexpr std::size_t page_width = 100, option_column = 30;
constexpr std::string_view general_exit_codes =
    "0 done, 1 any error, 3 unknown command; run, exec and restore give the program's own, 128 + N when "
    "signal N ended it; exec has 255 for an error of its own";

std::string_view stage_title(Stage stage) {
  switch (stage) {
    case Stage::prepare:
      return "Prepare a bundle";
    case Stage::begin:
      return "Begin a container's life";
    case Stage::watch:
      return "Look at containers";
    case Stage::act:
      return "Act on a container";
    case Stage::finish:
      return "End it";
    case Stage::shell:
      return "Set up your shell";
  }
  return "";
}

std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 1, ' ');
  return text;
}

/// `text` in lines of page_width, each but the first indented by `column`.
std::string wrapped(std::string_view text, std::size_t column) {
  std::string out;
  std::size_t position = column;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (position + word.size() > page_width) {
      out.append("\n").append(column, ' ');
      position = column;
    }
    if (position > column) out.append(" ");
    out.append(word);
    position += word.size() + 1;
  }
  return out;
}

std::string option_lines(std::span<const Option> options) {
  std::string text;
  for (const Option& option : options) {
    std::string names = option.letter != 0 ? std::string("  -") + option.letter + ", --" : "      --";
    names += option.name;
    if (option.value != nullptr) names.append(" ").append(option.value);
    if (names.size() >= option_column)
      names.append("\n").append(option_column, ' ');
    else
      names = padded(std::move(names), option_column);
    text += names + wrapped(option.help, option_column) + "\n";
  }
  return text;
}

std::string command_lines() {
  std::string text;
  const Command* previous = nullptr;
  for (const Command* command : all_commands()) {
    if (previous == nullptr || previous->stage != command->stage)
      text.append("\n").append(stage_title(command->stage)).append(":\n");
    text += padded("  " + std::string(command->name), 14) + std::string(command->summary) + "\n";
    previous = command;
  }
  return text;
}

std::string_view base_name(std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  return name.empty() ? "ocx" : name;
}

}  // namespace

std::string general_help() {
  return "ocx runs containers from bundles: a directory with a config.json (OCI runtime specification " +
         std::string(spec::oci_version_max) +
         ") and a root file system.\n\nUsage: ocx [global options] COMMAND [options] [arguments]\n" +
         command_lines() + "\n`ocx COMMAND --help` explains a command.\n\nGlobal options:\n" +
         option_lines(global_options) + "\nExit codes: " + wrapped(general_exit_codes, 12) + "\n";
}

std::string command_help(const Command& command) {
  std::string usage = "ocx " + std::string(command.name) + " [options]";
  if (!command.positionals.empty()) usage.append(" ").append(command.positionals);
  std::string text = "Usage: " + usage + "\n\n" + std::string(command.description) + "\n\nExample:\n  " +
                     std::string(command.example) + "\n\nOptions:\n" + option_lines(command.options);
  const Option help{"help", 'h', nullptr, "print this help and exit"};
  return text + option_lines({&help, 1}) + "\nExit codes: " + wrapped(command.exit_codes, 12) + "\n";
}

std::string version_text(std::string_view program) {
  return std::string(base_name(program)) + " version " + version + "\ncommit: " + commit +
         "\nspec: " + spec::oci_version_max + "\n";
}

}  // namespace ocx::cmd
