#include "cmd/create_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {bundle_option,   config_option,   console_socket_option, pidfd_socket_option,
                              pid_file_option, no_pivot_option, no_new_keyring_option, preserve_fds_option};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  runtime::create(globals, create_request(arguments));
  return 0;
}

}  // namespace

constinit const Command create_command = {
    .name = "create",
    .stage = Stage::begin,
    .summary = "make a container from a bundle; its program waits for start",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Makes the namespaces, mounts, devices, limits and cgroups that config.json asks for, and stops just "
        "before\n"
        "the program runs. Engines use create and start; by hand, `ocx run` does both.\n"
        "ID is yours to choose: letters, digits and _ + . - , unique below --root.",
    .example = "ocx create --bundle /srv/web --pid-file /run/web.pid web",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
    .failure = "ocx create failed",
    .enters_container = true,
};

}  // namespace ocx::cmd
