#include "cmd/matching.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"force", 'f', nullptr, "kill what still runs (KILL) and delete; an unknown ID is then no error"},
    regex_option,
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  for_each_container(globals, arguments, [&](const std::string& id) {
    runtime::remove(globals, {.id = id, .force = arguments.flag("force")});
  });
  return 0;
}

}  // namespace

constinit const Command delete_command = {
    .name = "delete",
    .stage = Stage::finish,
    .summary = "remove a container and all that create made for it",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Removes cgroups and state of a stopped container and runs its poststop hooks. A created container "
        "that was\n"
        "never started is killed first. A running or paused one needs --force.",
    .example = "ocx delete --force web",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
