#include "cmd/matching.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {regex_option};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  for_each_container(globals, arguments, [&](const std::string& id) { runtime::resume(globals, id); });
  return 0;
}

}  // namespace

constinit const Command resume_command = {
    .name = "resume",
    .stage = Stage::act,
    .summary = "let a paused container go on",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description = "Thaws the processes that `ocx pause` has stopped; signals sent meanwhile arrive now.",
    .example = "ocx resume web",
    .exit_codes = "0 done, 1 any error, also when the container is not paused",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
