#include "cmd/list_table.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"format", 'f', "FORMAT",
     "table, or json: one array on one line, null when there is no container (default: table)", "table json"},
    {"quiet", 'q', nullptr, "print ids only, one a line"},
};

std::string ids(const std::vector<spec::State>& states) {
  std::string text;
  for (const spec::State& state : states) text += state.id + "\n";
  return text;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.value_or("format", "table");
  if (format != "table" && format != "json")
    throw Error("invalid value " + sys::quote(format) + " for --format: use table or json", ErrorKind::usage);
  const std::vector<spec::State> states = runtime::list(globals);
  const std::string text = arguments.flag("quiet") ? ids(states)
                           : format == "json"      ? spec::write_state_list(states) + "\n"
                                                   : list_table(states);
  sys::write_all(sys::standard_output, text);
  return 0;
}

}  // namespace

constinit const Command list_command = {
    .name = "list",
    .stage = Stage::watch,
    .summary = "list the containers below --root",
    .positionals = "",
    .min_positionals = 0,
    .max_positionals = 0,
    .description = "Lists every container with its pid, status, bundle, time of creation and owner.",
    .example = "ocx list --format json",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
