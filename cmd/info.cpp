#include "runtime/info.hpp"

#include <algorithm>

#include "cmd/live_screen.hpp"
#include "cmd/output.hpp"
#include "cmd/verbs.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"json", 0, nullptr, "print one JSON object: an object for each section, with its values as strings"},
};

std::string text_of(const std::vector<runtime::InfoSection>& sections, bool colours) {
  std::size_t width = 0;
  for (const runtime::InfoSection& section : sections)
    for (const auto& [name, value] : section.facts) width = std::max(width, name.size());
  std::string text;
  for (const runtime::InfoSection& section : sections) {
    text += colours ? "\x1b[1m" + section.name + "\x1b[0m\n" : section.name + "\n";
    for (const auto& [name, value] : section.facts)
      text += "  " + name + std::string(width - name.size() + 2, ' ') + (value.empty() ? "-" : value) + "\n";
  }
  return text;
}

std::string json_of(const std::vector<runtime::InfoSection>& sections) {
  std::string text = "{";
  for (const runtime::InfoSection& section : sections) {
    text += std::string(text.size() == 1 ? "" : ",") + "\n  " + sys::json_string(section.name) + ": {";
    const char* separator = "\n    ";
    for (const auto& [name, value] : section.facts) {
      text += separator + sys::json_string(name) + ": " + sys::json_string(value);
      separator = ",\n    ";
    }
    text += "\n  }";
  }
  return text + "\n}\n";
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::vector<runtime::InfoSection> sections = runtime::info(globals);
  print_if_read(arguments.flag("json") ? json_of(sections) : text_of(sections, wants_colours()));
  return 0;
}

}  // namespace

constinit const Command info_command = {
    .name = "info",
    .stage = Stage::watch,
    .summary = "show what a bug report has to say: ocx, kernel, cgroups, security, caller",
    .positionals = "",
    .min_positionals = 0,
    .max_positionals = 0,
    .description =
        "Prints versions, what the kernel offers, and what the caller may do, on one screen. \"-\" is: not "
        "there. "
        "It\n"
        "names no host, user or container, and holds no secret: paste it whole. `ocx features` is for "
        "engines.",
    .example = "ocx info\n  ocx info --json | jq .cgroups",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
