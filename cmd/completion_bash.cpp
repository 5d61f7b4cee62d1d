#include "cmd/completion.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

// Only what bash itself has: the package bash-completion need not be there.
constexpr std::string_view engine = R"sh(
# Sets `words`: those of the command line up to the cursor. Readline also cuts at = and :, the shell does not.
_ocx_split() {
  local rest=${COMP_LINE:0:COMP_POINT} trimmed word i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    trimmed=${rest#"${rest%%[![:space:]]*}"}
    word=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || word=$trimmed
    if ((i > 0)) && [[ $trimmed == "$rest" && $rest != '' ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    rest=${trimmed#"$word"}
  done
}

# Walks over the words before the last. Sets `command`, `count` of its arguments, `options` (no: none can follow), `root`, and
# `kind` when the last word is the value of an option.
_ocx_walk() {
  local i word name
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    if [[ $options == yes && $word == -- ]]; then
      options=no
    elif [[ $options == yes && $word == -?* ]]; then
      name=${word#-}
      name=${name#-}
      if [[ $name == *=* ]]; then
        [[ $command == '' && $name == root=* ]] && root=(--root "${name#*=}")
        continue
      fi
      _ocx_value "$command" "$name" || continue
      ((++i < ${#words[@]} - 1)) || return
      kind=
      [[ $command == '' && $name == root ]] && root=(--root "${words[i]}")
    elif [[ $command == '' ]]; then
      command=$word
      options=yes
    else
      ((++count))
      _ocx_options_first "$command" && options=no
    fi
  done
}

_ocx() {
  local words command= count=0 options=yes root=() kind= value name
  COMPREPLY=()
  _ocx_split
  _ocx_walk
  value=${words[${#words[@]} - 1]}
  if [[ $kind == '' ]]; then
    if [[ $options == yes && $value == -*=* ]]; then
      name=${value%%=*}
      name=${name#-}
      value=${value#*=}
      _ocx_value "$command" "${name#-}" || return
    elif [[ $options == yes && $value == -* ]]; then
      _ocx_options "$command"
    elif [[ $command == '' ]]; then
      kind="words $_ocx_commands"
    else
      _ocx_argument "$command" $((count + 1))
    fi
  fi
  root=("${root[@]/#\~\//$HOME/}")
  case $kind in
    words*) mapfile -t COMPREPLY < <(compgen -W "${kind#words}" -- "$value") ;;
    containers) mapfile -t COMPREPLY < <(compgen -W "$("$1" "${root[@]}" list -q 2>/dev/null)" -- "$value") ;;
    directories) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
  esac
}

complete -F _ocx ocx
)sh";

/// The `kind` of the script.
std::string kind_of(const Offer& offer) {
  switch (offer.kind) {
    case Offer::Kind::nothing:
      return "none";
    case Offer::Kind::files:
      return "files";
    case Offer::Kind::directories:
      return "directories";
    case Offer::Kind::containers:
      return "containers";
    case Offer::Kind::words:
      return "'words " + sys::join(offer.words, " ") + "'";
  }
  return "none";
}

std::string options_row(std::string_view command, std::span<const Option> options) {
  std::string names;
  for (const Option& option : options) {
    if (option.letter != 0) names.append(" -").append(1, option.letter);
    names.append(" --").append(option.name);
  }
  return "    '" + std::string(command) + "') kind='words" + names + "' ;;\n";
}

std::string value_rows(const std::string& command, std::span<const Option> options) {
  std::string rows;
  for (const Option& option : options) {
    if (option.value == nullptr) continue;
    rows += "    '" + command + " " + option.name + "'";
    if (option.letter != 0) rows += " | '" + command + " " + option.letter + "'";
    rows += ") kind=" + kind_of(offer_for(option)) + " ;;\n";
  }
  return rows;
}

std::string argument_rows(const Command& command) {
  std::string rows;
  std::size_t number = 0;
  for (const Positional& positional : positionals_of(command)) {
    ++number;
    if (positional.offer.kind == Offer::Kind::nothing) continue;
    rows += "    '" + std::string(command.name) + " " +
            (positional.repeated ? "'*" : std::to_string(number) + "'");
    rows += ") kind=" + kind_of(positional.offer) + " ;;\n";
  }
  return rows;
}

}  // namespace

std::string bash_completion(std::span<const Command* const> commands, std::span<const Option> globals) {
  std::string names, first, options = options_row("", globals), values = value_rows("", globals), arguments;
  for (const Command* command : commands) {
    const std::string name(command->name);
    const std::vector<Option> own = options_of(*command);
    names.append(names.empty() ? "" : " ").append(name);
    if (command->order == Order::before_positionals) first.append(first.empty() ? "" : " | ").append(name);
    options += options_row(name, own);
    values += value_rows(name, own);
    arguments += argument_rows(*command);
  }
  return "# bash completion of ocx, printed by `ocx completion bash`.\n\n_ocx_commands='" + names +
         "'\n\n# The options of a command, or of ocx itself: all of them are offered.\n_ocx_options() {\n"
         "  case $1 in\n" +
         options + "  esac\n}\n\n# What the value of an option is; fails if it has none.\n_ocx_value() {\n" +
         "  case \"$1 $2\" in\n" + values +
         "    *) return 1 ;;\n  esac\n}\n\n# What the n-th argument of a command is.\n_ocx_argument() {\n" +
         "  case \"$1 $2\" in\n" + arguments +
         "  esac\n}\n\n# Options of such a command stand before its arguments.\n_ocx_options_first() {\n" +
         "  case $1 in\n    " + (first.empty() ? "''" : first) + ") ;;\n    *) return 1 ;;\n  esac\n}\n" +
         std::string(engine);
}

}  // namespace ocx::cmd
