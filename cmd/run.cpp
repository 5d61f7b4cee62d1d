#include "cmd/create_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    bundle_option,
    config_option,
    {"detach", 'd', nullptr, "return as soon as the program runs; the container stays until `ocx delete`"},
    {"keep", 0, nullptr,
     "do not delete the container when its program ends (state and cgroup stay readable)"},
    console_socket_option,
    pidfd_socket_option,
    pid_file_option,
    {"no-subreaper", 0, nullptr, "do not adopt the container's orphaned processes while attached"},
    no_pivot_option,
    no_new_keyring_option,
    preserve_fds_option,
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  runtime::RunRequest request;
  request.create = create_request(arguments);
  request.detach = arguments.flag("detach");
  request.keep = arguments.flag("keep");
  request.no_subreaper = arguments.flag("no-subreaper");
  return runtime::run(globals, request);
}

}  // namespace

constinit const Command run_command = {
    .name = "run",
    .stage = Stage::begin,
    .summary = "create, start, wait and delete in one command",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Runs a bundle from beginning to end: creates the container, starts its program, passes signals and "
        "the\n"
        "terminal through, and deletes the container when the program ends. With --detach it returns after "
        "start.",
    .example = "ocx run --bundle /srv/web web",
    .exit_codes =
        "the program's own; 128 + N when signal N ended it; 0 with --detach; 1 when the container could not "
        "be run",
    .options = options,
    .run = run,
    .failure = "ocx run failed",
    .enters_container = true,
};

}  // namespace ocx::cmd
