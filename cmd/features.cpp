#include "spec/features.hpp"

#include "cmd/verbs.hpp"
#include "ocx/version.hpp"
#include "sys/file.hpp"

namespace ocx::cmd {
namespace {

int run(const runtime::Globals&, const Arguments&) {
  sys::write_all(sys::standard_output, spec::write_features(version, commit));
  return 0;
}

}  // namespace

constinit const Command features_command = {
    .name = "features",
    .stage = Stage::prepare,
    .summary = "print what this build can do, as JSON",
    .positionals = "",
    .min_positionals = 0,
    .max_positionals = 0,
    .description =
        "Prints the features document of the OCI runtime specification: versions, hooks, mount options, "
        "namespaces,\n"
        "capabilities, and which parts are built in. It is the same on every host.",
    .example = "ocx features",
    .exit_codes = usual_exit_codes,
    .options = {},
    .run = run,
};

}  // namespace ocx::cmd
