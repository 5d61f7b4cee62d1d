#include "cmd/checkpoint_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    image_path_option,
    work_path_option,
    {"leave-running", 0, nullptr, "let the container go on after the dump (default: it ends and is deleted)"},
    {"pre-dump", 0, nullptr,
     "dump the memory alone, and let the container go on: less is left for the last dump"},
    {"parent-path", 0, "PATH",
     "directory of an earlier --pre-dump, relative to the image's: only what has changed since is written",
     ""},
    tcp_established_option,
    {"tcp-skip-in-flight", 0, nullptr, "skip TCP connections that are just being opened"},
    ext_unix_sk_option,
    shell_job_option,
    link_remap_option,
    file_locks_option,
    lazy_pages_option,
    {"status-fd", 0, "N",
     "with --lazy-pages: a zero byte is written to this descriptor when pages can be had"},
    {"page-server", 0, "ADDRESS:PORT", "send memory to a `criu page-server` instead of the image"},
    cgroups_mode_option,
    network_lock_option,
    empty_ns_option,
    auto_dedup_option,
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  runtime::checkpoint(globals, checkpoint_request(arguments));
  return 0;
}

}  // namespace

constinit const Command checkpoint_command = {
    .name = "checkpoint",
    .stage = Stage::act,
    .summary = "save a running container to disk, to be restored later",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Writes memory, open files and all else of the container's processes into a directory, by criu(8), "
        "which has "
        "to be\n"
        "installed. `ocx restore` lets them go on from there, also after a reboot, or on another machine "
        "with the "
        "same\n"
        "bundle. Files of the container are not part of it: keep the root file system as it is, or copy it.\n"
        "The container may be running or paused. Afterwards it is deleted, unless told otherwise. When it "
        "fails the\n"
        "container goes on, and dump.log in --work-path says why.",
    .example =
        "ocx checkpoint --image-path /srv/web.image web\n  ocx checkpoint --pre-dump --image-path "
        "/srv/before web\n  "
        "ocx checkpoint --parent-path ../before --image-path /srv/web.image web",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
    .failure = "ocx checkpoint failed",
};

}  // namespace ocx::cmd
