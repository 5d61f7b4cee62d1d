#include <cerrno>

#include "cmd/create_options.hpp"
#include "cmd/verbs.hpp"
#include "runtime/plan.hpp"
#include "spec/template.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"bundle", 'b', "DIR", "where to write config.json (default: current directory)"},
    {"rootless", 0, nullptr, "for an unprivileged user: a user namespace that maps your ids to root's"},
};

void write_new(const std::string& directory, const std::string& document) {
  const sys::UniqueFd bundle = sys::openat(sys::FdRef::cwd(), directory, O_RDONLY | O_DIRECTORY);
  const sys::FdResult file = sys::try_openat(bundle, "config.json", O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (file.error_number == EEXIST) throw Error("File config.json exists. Remove it first");
  if (!file) throw_errno("create " + sys::quote(directory + "/config.json"), file.error_number);
  sys::write_all(file.fd, document);
}

int run(const runtime::Globals&, const Arguments& arguments) {
  const runtime::HostFacts host = runtime::gather_host_facts({});
  const std::string document = spec::write_template({.rootless = arguments.flag("rootless"),
                                                     .euid = host.euid,
                                                     .egid = host.egid,
                                                     .cgroup2 = host.cgroup_v2});
  write_new(bundle_path(arguments), document);
  return 0;
}

}  // namespace

constinit const Command spec_command = {
    .name = "spec",
    .stage = Stage::prepare,
    .summary = "write a config.json to start from",
    .positionals = "",
    .min_positionals = 0,
    .max_positionals = 0,
    .description =
        "Writes config.json for a shell on a terminal in ./rootfs. Edit process.args, put a root file system "
        "into\n"
        "rootfs, and the directory is a bundle. An existing file is never overwritten.",
    .example = "ocx spec --bundle /srv/web",
    .exit_codes = usual_exit_codes,
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
