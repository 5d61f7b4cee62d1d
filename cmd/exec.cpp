#include "cmd/exec_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"process", 'p', "FILE",
     "describe the process by a JSON file, like `process` in config.json, instead of a command and options"},
    {"tty", 't', nullptr, "give it a terminal of its own"},
    {"detach", 'd', nullptr, "return as soon as the program runs"},
    {"cwd", 0, "DIR", "working directory, absolute in the container (default: process.cwd of config.json)",
     ""},
    {"env", 'e', "NAME=VALUE", "set a variable, on top of those of config.json; may be repeated"},
    {"user", 'u', "UID[:GID]",
     "run as this user and group of the container, as numbers (default: process.user)"},
    {"additional-gids", 'g', "GID", "one more group; may be repeated"},
    {"cap", 'c', "CAP", "one more capability, as CAP_NET_ADMIN; may be repeated"},
    {"no-new-privs", 0, nullptr, "let it gain no privileges by executing programs"},
    {"apparmor", 0, "PROFILE", "AppArmor profile (default: process.apparmorProfile)"},
    {"process-label", 0, "LABEL", "SELinux label (default: process.selinuxLabel)"},
    {"cgroup", 0, "[CONTROLLER[,...]:]PATH",
     "put it into a cgroup below the container's, which is \"/\"; may be repeated for other controllers of "
     "cgroup v1 (default: \"/\")"},
    {"ignore-paused", 0, nullptr, "in a paused container: wait for `ocx resume` instead of failing"},
    {"preserve-fds", 0, "N", "pass N more descriptors, from 3 on (default: 0)"},
    {"console-socket", 0, "PATH",
     "AF_UNIX socket that receives the master end of the terminal (needed with --tty and --detach)"},
    {"pidfd-socket", 0, "PATH", "AF_UNIX socket that receives a pidfd of the process"},
    {"pid-file", 0, "PATH", "file that gets the host pid of the process, once its program runs"},
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  return runtime::exec(globals, exec_request(arguments));
}

}  // namespace

constinit const Command exec_command = {
    .name = "exec",
    .stage = Stage::act,
    .summary = "run one more program in a container",
    .positionals = "ID COMMAND [ARGUMENT...]",
    .min_positionals = 1,
    .max_positionals = any_number,
    .description =
        "Runs a program beside the container's own: in the same namespaces, cgroup and root, with the "
        "settings of\n"
        "`process` in config.json (as it was at create), except where options say otherwise. All after ID is "
        "the\n"
        "program's; options stand before ID. It works on created and running containers.\n"
        "In the foreground signals and the terminal are passed through.",
    .example =
        "ocx exec -t web sh\n  ocx exec --user 1000:1000 --env LANG=C --cwd /srv web ls -l\n  ocx exec "
        "--detach --pid-file /run/job.pid web /usr/bin/job",
    .exit_codes =
        "the program's own; 128 + N when signal N ended it; 0 with --detach; 255 when it could not be run",
    .options = options,
    .order = Order::before_positionals,
    .run = run,
    .failure = "exec failed",
    .failure_code = 255,
    .enters_container = true,
};

}  // namespace ocx::cmd
