#include "cmd/matching.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {regex_option};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  for_each_container(globals, arguments, [&](const std::string& id) { runtime::pause(globals, id); });
  return 0;
}

}  // namespace

constinit const Command pause_command = {
    .name = "pause",
    .stage = Stage::act,
    .summary = "stop all processes of a container until resume",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Freezes every process of a created or running container where it stands (cgroup freezer). It keeps "
        "memory,\n"
        "files and connections, and uses no CPU. `ocx state` says paused. Signals wait for `ocx resume`; "
        "KILL ends a\n"
        "paused container at once.",
    .example = "ocx pause web",
    .exit_codes =
        "0 every process has stopped, 1 any error, also when the container is not running or paused "
        "already",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
