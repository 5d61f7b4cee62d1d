#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

int run(const runtime::Globals& globals, const Arguments& arguments) {
  runtime::start(globals, arguments.positional().front());
  return 0;
}

}  // namespace

constinit const Command start_command = {
    .name = "start",
    .stage = Stage::begin,
    .summary = "run the program of a created container",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Lets the program of a created container run, and returns once it does. A container starts once.",
    .example = "ocx start web",
    .exit_codes = usual_exit_codes,
    .options = {},
    .run = run,
};

}  // namespace ocx::cmd
