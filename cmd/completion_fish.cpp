#include "cmd/completion.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr std::string_view engine = R"sh(
# Prints the command, the number of its arguments so far, whether options may follow, and the root that was given.
function __ocx_typed
    set -l words (commandline -opc)
    set -l command ''
    set -l count 0
    set -l options yes
    set -l root ''
    set -l awaited ''
    set -e words[1]
    for word in $words
        if test -n "$awaited"
            test "$awaited" = ' root'; and set root $word
            set awaited ''
        else if test $options = yes; and test "$word" = --
            set options no
        else if test $options = yes; and string match -qr -- '^-.' $word
            set -l name (string replace -r -- '^--?' '' $word)
            if string match -q -- '*=*' $name
                test -z "$command"; and string match -q -- 'root=*' $name; and set root (string replace -- root= '' $name)
            else if contains -- "$command $name" $__ocx_valued
                set awaited "$command $name"
            end
        else if test -z "$command"
            set command $word
        else
            set count (math $count + 1)
            contains -- $command $__ocx_options_first; and set options no
        end
    end
    printf '%s\n' "$command" $count $options "$root"
end

# __ocx_in COMMAND: an option of it may come now; without one: of ocx itself.
function __ocx_in
    set -l typed (__ocx_typed)
    test "$typed[1]" = "$argv[1]"; and test "$typed[3]" = yes
end

# __ocx_argument COMMAND N: its N-th argument comes now, or any for *.
function __ocx_argument
    set -l typed (__ocx_typed)
    test "$typed[1]" = "$argv[1]"; and begin
        test "$argv[2]" = '*'; or test (math $typed[2] + 1) = "$argv[2]"
    end
end

function __ocx_containers
    set -l program (commandline -opc)[1]
    set -l typed (__ocx_typed)
    set -l root
    test -n "$typed[4]"; and set root --root $typed[4]
    $program $root list -q 2>/dev/null
end

complete -c ocx -f
)sh";

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

/// The arguments of `complete` for a word that has to come; files only where they are meant.
std::string completion_of(const Offer& offer) {
  switch (offer.kind) {
    case Offer::Kind::nothing:
      return " -x";
    case Offer::Kind::files:
      return " -r -F";
    case Offer::Kind::directories:
      return " -x -a '(__fish_complete_directories)'";
    case Offer::Kind::containers:
      return " -x -a '(__ocx_containers)'";
    case Offer::Kind::words:
      return " -x -a " + quoted(sys::join(offer.words, " "));
  }
  return "";
}

std::string complete_in(const std::string& function, std::string_view command) {
  return "complete -c ocx -n \"" + function + " '" + std::string(command) + "'";
}

std::string option_lines(std::string_view command, std::span<const Option> options) {
  std::string lines;
  for (const Option& option : options) {
    lines += complete_in("__ocx_in", command) + "\"";
    if (option.letter != 0) lines += std::string(" -s ") + option.letter;
    lines += std::string(" -l ") + option.name;
    if (option.value != nullptr) lines += completion_of(offer_for(option));
    lines += " -d " + quoted(option.help) + "\n";
  }
  return lines;
}

std::string argument_lines(const Command& command) {
  std::string lines;
  std::size_t number = 0;
  for (const Positional& positional : positionals_of(command)) {
    ++number;
    if (positional.offer.kind == Offer::Kind::nothing) continue;
    lines += complete_in("__ocx_argument", command.name) + " " +
             (positional.repeated ? "'*'" : std::to_string(number)) + "\"" + completion_of(positional.offer) +
             "\n";
  }
  return lines;
}

/// "COMMAND OPTION" of those with a value, one a line.
std::string valued(std::string_view command, std::span<const Option> options) {
  std::string names;
  for (const Option& option : options) {
    if (option.value == nullptr) continue;
    names += " '" + std::string(command) + " " + option.name + "'";
    if (option.letter != 0) names += " '" + std::string(command) + " " + option.letter + "'";
  }
  return names;
}

}  // namespace

std::string fish_completion(std::span<const Command* const> commands, std::span<const Option> globals) {
  std::string first, values = valued("", globals), lines = option_lines("", globals);
  for (const Command* command : commands) {
    const std::vector<Option> own = options_of(*command);
    if (command->order == Order::before_positionals) first.append(" ").append(command->name);
    values += valued(command->name, own);
    lines += complete_in("__ocx_in", "") + "\" -a " + quoted(command->name) + " -d " +
             quoted(command->summary) + "\n";
    lines += option_lines(command->name, own) + argument_lines(*command);
  }
  return "# fish completion of ocx, printed by `ocx completion fish`.\n\n"
         "# Options with a value, behind their command.\nset -g __ocx_valued" +
         values + "\n# Options of these stand before their arguments.\nset -g __ocx_options_first" + first +
         "\n" + std::string(engine) + lines;
}

}  // namespace ocx::cmd
