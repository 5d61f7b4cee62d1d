#include "cmd/completion.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr std::string_view beginning = R"sh(#compdef ocx
# zsh completion of ocx, printed by `ocx completion zsh`.

_ocx_containers() {
  local -a ids expl
  ids=(${(f)"$(_call_program containers ${(q)ocx_program} ${(q)ocx_root} list -q 2>/dev/null)"})
  _wanted containers expl container compadd -a ids
}

_ocx() {
  local curcontext=$curcontext state line ocx_program=$words[1] ret=1
  local -a ocx_root ocx_commands
  local -A opt_args
)sh";

// Sourced, or in a directory of $fpath.
constexpr std::string_view ending = R"sh(      esac ;;
  esac
  return ret
}

if [[ $funcstack[1] == _ocx ]]; then
  _ocx "$@"
else
  compdef _ocx ocx
fi
)sh";

std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

/// An action of _arguments; a blank is "say what it is, and offer nothing".
std::string action_of(const Offer& offer) {
  switch (offer.kind) {
    case Offer::Kind::nothing:
      return " ";
    case Offer::Kind::files:
      return "_files";
    case Offer::Kind::directories:
      return "_directories";
    case Offer::Kind::containers:
      return "_ocx_containers";
    case Offer::Kind::words:
      return "(" + sys::join(offer.words, " ") + ")";
  }
  return " ";
}

std::string message_and_action(std::string_view name, const Offer& offer) {
  return escaped(name, ":\\") + ":" + action_of(offer);
}

/// The specifications of an option: for its name, and for its letter.
std::vector<std::string> option_specs(const Option& option) {
  const std::string name = std::string("--") + option.name;
  const std::string letter = std::string("-") + option.letter;
  std::string before, after = "[" + escaped(option.help, "[]\\") + "]";
  if (is_repeatable(option))
    before = "*";
  else if (option.letter != 0)
    before = "(" + letter + " " + name + ")";
  if (option.value != nullptr) after += ":" + message_and_action(option.value, offer_for(option));
  std::vector<std::string> specs{before + name + (option.value != nullptr ? "=" : "") + after};
  if (option.letter != 0) specs.push_back(before + letter + after);
  return specs;
}

std::string arguments_call(const std::string& indent, Order order, const std::vector<std::string>& specs) {
  std::string call = "_arguments -S -C";
  if (order == Order::before_positionals) call += " -A '-*'";
  for (const std::string& spec : specs) call += " \\\n" + indent + "  " + quoted(spec);
  return indent + call;
}

std::vector<std::string> specs_of(std::span<const Option> options) {
  std::vector<std::string> specs;
  for (const Option& option : options)
    for (std::string& spec : option_specs(option)) specs.push_back(std::move(spec));
  return specs;
}

std::string command_case(const Command& command) {
  std::vector<std::string> specs = specs_of(options_of(command));
  std::size_t number = 0;
  for (const Positional& positional : positionals_of(command)) {
    const std::string place = positional.repeated ? "*" : std::to_string(++number);
    specs.push_back(place + (positional.optional && !positional.repeated ? "::" : ":") +
                    message_and_action(positional.name, positional.offer));
  }
  return "        " + std::string(command.name) + ")\n" + arguments_call("          ", command.order, specs) +
         " && ret=0 ;;\n";
}

}  // namespace

std::string zsh_completion(std::span<const Command* const> commands, std::span<const Option> globals) {
  std::vector<std::string> specs = specs_of(globals);
  specs.insert(specs.end(), {"1:command:->command", "*::argument:->argument"});
  std::string names, cases;
  for (const Command* command : commands) {
    names += "        " + quoted(std::string(command->name) + ":" + std::string(command->summary)) + "\n";
    cases += command_case(*command);
  }
  return std::string(beginning) + arguments_call("  ", Order::before_positionals, specs) +
         " && ret=0\n  case $state in\n    command)\n      ocx_commands=(\n" + names +
         "      )\n      _describe -t commands command ocx_commands && ret=0 ;;\n    argument)\n"
         "      (( $+opt_args[--root] )) && ocx_root=(--root ${(Q)opt_args[--root]})\n"
         "      case $words[1] in\n" +
         cases + std::string(ending);
}

}  // namespace ocx::cmd
