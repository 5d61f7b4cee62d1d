#include "cmd/command.hpp"

#include "cmd/globals.hpp"
#include "cmd/verbs.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"

namespace ocx::cmd {
namespace {

constexpr const Command* commands[] = {
    &spec_command,   &bundle_command,     &check_command,  &explain_command,   &features_command,
    &create_command, &start_command,      &run_command,    &restore_command,   &state_command,
    &list_command,   &ps_command,         &events_command, &stats_command,     &top_command,
    &info_command,   &exec_command,       &kill_command,   &pause_command,     &resume_command,
    &update_command, &checkpoint_command, &delete_command, &completion_command};

constexpr Option help_option{"help", 'h', nullptr, "print this help and exit"};

std::string wrong_count(const Command& command) {
  const auto number = [](std::size_t count) { return std::to_string(count) + " argument(s)"; };
  std::string text = "\"" + std::string(command.name) + "\" requires ";
  if (command.min_positionals == command.max_positionals)
    text += "exactly " + number(command.min_positionals);
  else if (command.max_positionals == any_number)
    text += "at least " + number(command.min_positionals);
  else
    text += std::to_string(command.min_positionals) + " to " + number(command.max_positionals);
  return text;
}

Arguments parse_words(const Command& command, std::span<const Option> options,
                      const std::vector<std::string>& words) {
  try {
    return parse_arguments(options, words, command.order);
  } catch (UnknownOption& error) {
    for (const Option& option : global_options)
      if (error.name == option.name)
        error.hint("it is a global option: put it before \"" + std::string(command.name) + "\"");
    throw;
  }
}

}  // namespace

Arguments parse_command(const Command& command, const std::vector<std::string>& words) {
  std::vector<Option> options(command.options.begin(), command.options.end());
  options.push_back(help_option);
  Arguments arguments = parse_words(command, options, words);
  const std::size_t count = arguments.positional().size();
  if (!arguments.flag("help") && (count < command.min_positionals || count > command.max_positionals))
    throw Error(wrong_count(command), ErrorKind::usage);
  return arguments;
}

std::span<const Command* const> all_commands() {
  return commands;
}

const Command* find_command(std::string_view name) {
  for (const Command* command : commands)
    if (command->name == name) return command;
  return nullptr;
}

std::string unknown_command(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Command* command : commands) names.push_back(command->name);
  const std::string_view nearest = spec::closest_name(name, names);
  std::string text = "No help topic for '" + std::string(name) + "'";
  if (!nearest.empty()) text.append("; did you mean ").append(nearest).append("?");
  return text;
}

}  // namespace ocx::cmd
