#include "cmd/completion.hpp"

#include <algorithm>

#include "cmd/globals.hpp"
#include "cmd/verbs.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

Offer words(std::string_view text, char separator) {
  return {Offer::Kind::words, sys::split(text, separator)};
}

template <class Names>
Offer names(const Names& names) {
  return {Offer::Kind::words, {std::begin(names), std::end(names)}};
}

/// By the word that help has for it: "DIR", "0|1".
Offer offer_named(std::string_view name) {
  if (name == "ID|BUNDLE") return {Offer::Kind::directories};
  if (name.find('|') != std::string_view::npos) return words(name, '|');
  if (name == "DIR" || name == "BUNDLE" || name == "OTHER") return {Offer::Kind::directories};
  if (name == "FILE" || name == "PATH" || name == "DEST" || name == "SOURCE") return {Offer::Kind::files};
  if (name == "ID") return {Offer::Kind::containers};
  if (name == "SIGNAL") return names(spec::names_of(spec::signal_names));
  if (name == "CAP") return names(spec::capability_names);
  return {};
}

/// Such a command makes a container: there is none of that id yet.
bool makes_container(const Command& command) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [](const Option& option) { return option.name == std::string_view("pid-file"); }) &&
         command.stage == Stage::begin;
}

/// "[ID…]", "[ARGUMENT...]]" without what is around the name.
Positional read_positional(std::string_view word) {
  Positional positional;
  const auto take_end = [&word](std::string_view end) {
    const bool there = word.ends_with(end);
    if (there) word.remove_suffix(end.size());
    return there;
  };
  positional.optional = word.starts_with('[');
  if (positional.optional) word.remove_prefix(1);
  while (take_end("]")) {
  }
  positional.repeated = take_end("...") || take_end("…");
  positional.name = word;
  positional.offer = offer_named(word);
  return positional;
}

int run(const runtime::Globals&, const Arguments& arguments) {
  const std::string& shell = arguments.positional().front();
  std::string (*write)(std::span<const Command* const>, std::span<const Option>) =
      shell == "bash"   ? bash_completion
      : shell == "zsh"  ? zsh_completion
      : shell == "fish" ? fish_completion
                        : nullptr;
  if (write == nullptr)
    throw Error("no completion for " + sys::quote(shell) + ": use bash, zsh or fish", ErrorKind::usage);
  sys::write_all(sys::standard_output, write(all_commands(), global_options));
  return 0;
}

}  // namespace

Offer offer_for(const Option& option) {
  if (option.value == nullptr) return {};
  if (option.offers == nullptr) return offer_named(option.value);
  return *option.offers == '\0' ? Offer{} : words(option.offers, ' ');
}

std::vector<Positional> positionals_of(const Command& command) {
  std::vector<Positional> all;
  bool after_dashes = false;
  for (const std::string& word : sys::split(command.positionals, ' ')) {
    const bool dashes = word == "[--";
    if (!word.empty() && !dashes) all.push_back(read_positional(word));
    if (after_dashes) all.back().optional = true;
    after_dashes = after_dashes || dashes;
  }
  if (!all.empty() && makes_container(command) && all.front().name == "ID") all.front().offer = {};
  if (!all.empty() && command.max_positionals == any_number) all.back().repeated = true;
  return all;
}

std::vector<Option> options_of(const Command& command) {
  std::vector<Option> options(command.options.begin(), command.options.end());
  options.push_back({"help", 'h', nullptr, "print this help and exit"});
  return options;
}

bool is_repeatable(const Option& option) {
  return std::string_view(option.help).find("may be repeated") != std::string_view::npos;
}

constinit const Command completion_command = {
    .name = "completion",
    .stage = Stage::shell,
    .summary = "print a script that completes commands, options and containers",
    .positionals = "bash|zsh|fish",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Prints a script for the shell that is named. With it the tabulator key completes commands, options "
        "and\n"
        "their values, files and directories, and the ids that `ocx list` prints. `make install` puts the "
        "scripts\n"
        "where the shells look for them; this is for other places.",
    .example = "ocx completion bash >/etc/bash_completion.d/ocx\n  eval \"$(ocx completion bash)\"",
    .exit_codes = usual_exit_codes,
    .options = {},
    .run = run,
};

}  // namespace ocx::cmd
