#include "cmd/checkpoint_options.hpp"
#include "cmd/create_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    image_path_option,
    work_path_option,
    bundle_option,
    config_option,
    {"detach", 'd', nullptr, "return as soon as the processes run; the container stays until `ocx delete`"},
    console_socket_option,
    pidfd_socket_option,
    pid_file_option,
    {"no-subreaper", 0, nullptr, "do not adopt the container's orphaned processes while attached"},
    {"no-pivot", 0, nullptr, "accepted; criu has its own way into the root file system"},
    no_new_keyring_option,
    tcp_established_option,
    {"tcp-close", 0, nullptr, "bring TCP connections back closed"},
    ext_unix_sk_option,
    shell_job_option,
    link_remap_option,
    file_locks_option,
    lazy_pages_option,
    cgroups_mode_option,
    network_lock_option,
    empty_ns_option,
    auto_dedup_option,
    {"lsm-profile", 0, "TYPE:NAME",
     "another AppArmor profile or SELinux label: apparmor:NAME, selinux:LABEL"},
    {"lsm-mount-context", 0, "CONTEXT", "another SELinux context for mounts that have one"},
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  return runtime::restore(globals, restore_request(arguments));
}

}  // namespace

constinit const Command restore_command = {
    .name = "restore",
    .stage = Stage::begin,
    .summary = "let a container go on where a checkpoint has saved it",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Makes a container of a bundle and an image of `ocx checkpoint`: its processes go on in the middle "
        "of what "
        "they did.\n"
        "Mounts, cgroup, limits, devices and hooks are those of config.json. Standard streams are the "
        "caller's where "
        "they\n"
        "came from outside, a terminal is made anew. In the foreground it waits as `run` does, then deletes "
        "the\n"
        "container. When it fails nothing is left, and restore.log in --work-path says why.",
    .example = "ocx restore --detach --image-path /srv/web.image --bundle /srv/web web",
    .exit_codes =
        "the program's own; 128 + N when signal N ended it; 0 with --detach; 1 when the container could not "
        "be "
        "restored",
    .options = options,
    .run = run,
    .failure = "ocx restore failed",
};

}  // namespace ocx::cmd
