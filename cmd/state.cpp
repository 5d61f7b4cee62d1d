#include "spec/state.hpp"

#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "sys/file.hpp"

namespace ocx::cmd {
namespace {

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const spec::State state = runtime::state(globals, arguments.positional().front());
  sys::write_all(sys::standard_output, spec::write_state(state));
  return 0;
}

}  // namespace

constinit const Command state_command = {
    .name = "state",
    .stage = Stage::watch,
    .summary = "print a container's state as JSON",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Prints id, pid, status, bundle and more. The status is looked up now: creating, created, running, "
        "paused or\n"
        "stopped. A stopped container has pid 0.",
    .example = "ocx state web",
    .exit_codes = "0 done, 1 any error, also when there is no such container",
    .options = {},
    .run = run,
};

}  // namespace ocx::cmd
