#include "runtime/check.hpp"

#include <sys/stat.h>

#include "cmd/check_report.hpp"
#include "cmd/create_options.hpp"
#include "cmd/globals.hpp"
#include "cmd/live_screen.hpp"
#include "cmd/output.hpp"
#include "cmd/verbs.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    bundle_option,
    config_option,
    {"json", 0, nullptr,
     "print a JSON object for each: bundle, and findings with severity, pointer, message, remedy"},
};

/// That its config.json can't be read is the only thing wrong with a bundle that is the command's own error;
/// among several it must not hide the others.
std::vector<runtime::Finding> findings_of(const runtime::Globals& globals,
                                          const runtime::CreateRequest& request, bool alone) {
  try {
    return runtime::check(globals, request);
  } catch (const Error& error) {
    if (alone) throw;
    runtime::Finding unreadable;
    unreadable.message = error.what();
    return {unreadable};
  }
}

/// Of several arguments a plain file is what a shell's bundles/* says too.
void leave_out_files(std::vector<runtime::CreateRequest>& requests) {
  if (requests.size() == 1) return;
  std::erase_if(requests, [](const runtime::CreateRequest& request) {
    const auto found = sys::fstatat(sys::FdRef::cwd(), request.bundle);
    return found && S_ISREG(found->st_mode);
  });
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  std::vector<runtime::CreateRequest> requests = bundle_requests(arguments);
  leave_out_files(requests);
  std::string text;
  int worst = 0;
  for (const runtime::CreateRequest& request : requests) {
    const auto findings = findings_of(globals, request, requests.size() == 1);
    text += arguments.flag("json") ? check_json(request.bundle, findings)
                                   : check_text(request.bundle, findings, wants_colours());
    const int status = check_status(findings);
    worst = worst == 0 || status == 1 ? status : worst;
  }
  print_if_read(text);
  return worst;
}

}  // namespace

constinit const Command check_command = {
    .name = "check",
    .stage = Stage::prepare,
    .summary = "list all that is wrong with a bundle, and what this machine lacks for it",
    .positionals = "[BUNDLE...]",
    .min_positionals = 0,
    .max_positionals = any_number,
    .description =
        "Reads config.json to its end in spite of mistakes, and looks for what it names: the root file "
        "system, the\n"
        "program and its interpreter, sources of bind mounts, hooks, namespaces, cgroup controllers, "
        "capabilities, ids,\n"
        "drivers. Makes nothing. Each finding has the JSON pointer of its setting and, where there is one, a "
        "remedy:\n"
        "  error    the container could not be made or started, here or elsewhere\n"
        "  missing  the bundle is right, but this kernel, machine or user can't give it\n"
        "  warning  without effect, or hardly what was meant\n"
        "Of several arguments plain files are left out, as bundles/* names some.",
    .example =
        "ocx check ./web\n  ocx check bundles/*\n  ocx check --json ./web | jq -r '.findings[] | .pointer'",
    .exit_codes = "0 nothing, or warnings alone; 1 errors; 2 no error, but something is missing here",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
