#include "cmd/create_options.hpp"
#include "cmd/output.hpp"
#include "cmd/run_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "runtime/pick_id.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    bundle_option,
    config_option,
    {"detach", 'd', nullptr, "return as soon as the program runs; the container stays until `ocx delete`"},
    {"rm", 0, nullptr,
     "delete the container when its program ends: always so in the foreground; with --detach a process stays "
     "to "
     "do it"},
    {"keep", 0, nullptr,
     "do not delete the container when its program ends (state and cgroup stay readable)"},
    {"tty", 't', nullptr, "give it a terminal of its own; --tty=false: none (default: process.terminal)"},
    {"it", 0, nullptr, "the same as --tty, for who is used to -it: input is passed on anyway"},
    {"env", 'e', "NAME=VALUE", "set a variable, besides those of config.json; may be repeated"},
    {"user", 'u', "UID[:GID]",
     "run as this user and group of the container, as numbers (default: process.user)"},
    {"hostname", 0, "NAME", "its host name (default: that of config.json)", ""},
    {"memory", 0, "SIZE", "most memory, as 512m (default: linux.resources)"},
    {"cpus", 0, "N", "most CPU time, in processors, as 0.5 (default: linux.resources)"},
    {"pids-limit", 0, "N", "most processes and threads (default: linux.resources)"},
    console_socket_option,
    pidfd_socket_option,
    pid_file_option,
    {"no-subreaper", 0, nullptr, "do not adopt the container's orphaned processes while attached"},
    no_pivot_option,
    no_new_keyring_option,
    preserve_fds_option,
};

/// Whoever did not choose the id has to learn it: without --detach it is of no use later.
int run(const runtime::Globals& globals, const Arguments& arguments) {
  runtime::RunRequest request = run_request(arguments);
  const bool unnamed = request.create.id.empty() && names_bundle(arguments);
  if (unnamed) request.create.id = runtime::pick_id(globals, request.create.bundle);
  const int status = runtime::run(globals, request);
  if (unnamed && request.detach) print_if_read(request.create.id + "\n");
  return status;
}

}  // namespace

constinit const Command run_command = {
    .name = "run",
    .stage = Stage::begin,
    .summary = "create, start, wait and delete in one command",
    .positionals = "ID|BUNDLE [-- COMMAND [ARGUMENT...]]",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Runs a bundle from beginning to end: creates the container, starts its program, passes signals and "
        "the\n"
        "terminal through, and deletes the container when the program ends. With --detach it returns after "
        "start.\n"
        "An argument with a slash, and \".\", is a bundle: then the id is picked after its name, and "
        "--detach "
        "prints it.\n"
        "Any other is the id, of a bundle given by --bundle. COMMAND and the options from --tty to "
        "--pids-limit "
        "say what\n"
        "config.json says otherwise; the file is not changed.",
    .example =
        "ocx run --bundle /srv/web web\n  ocx run -it ./web -- sh\n  ocx run -d --rm --memory 512m --cpus "
        "0.5 -e LANG=C ./web",
    .exit_codes =
        "the program's own; 128 + N when signal N ended it; 0 with --detach; 1 when the container could not "
        "be run",
    .options = options,
    .order = Order::command_after_dashes,
    .run = run,
    .failure = "ocx run failed",
    .enters_container = true,
};

}  // namespace ocx::cmd
