#include <sys/stat.h>

#include <algorithm>

#include "cmd/create_options.hpp"
#include "cmd/explain_diff.hpp"
#include "cmd/globals.hpp"
#include "cmd/live_screen.hpp"
#include "cmd/output.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    bundle_option,
    config_option,
    {"format", 0, "FORMAT", "text or json (default: text)", "text json"},
    {"json", 0, nullptr, "the same as --format json"},
    {"diff", 0, nullptr,
     "compare two: BUNDLE OTHER, each a bundle or a configuration file; prints the steps that only one has"},
};

bool wants_json(const Arguments& arguments) {
  const std::string format = arguments.value_or("format", "text");
  if (format != "text" && format != "json")
    throw Error("invalid value " + sys::quote(format) + " for --format: use text or json", ErrorKind::usage);
  return format == "json" || arguments.flag("json");
}

/// A bundle, or a file: then the bundle is its directory.
runtime::Explanation explanation_of(const runtime::Globals& globals, const std::string& word,
                                    const Arguments& arguments) {
  runtime::CreateRequest request;
  request.id = "ID";
  request.bundle = absolute_path(word);
  request.config_file = arguments.value_or("config", request.config_file);
  const auto info = sys::fstatat(sys::FdRef::cwd(), request.bundle);
  if (info && S_ISREG(info->st_mode)) {
    request.config_file = request.bundle;
    request.bundle.resize(std::max<std::size_t>(request.bundle.rfind('/'), 1));
  }
  return runtime::explanation(globals, request);
}

int print_diff(const runtime::Globals& globals, const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (words.size() != 2 || arguments.value("bundle"))
    throw Error("--diff takes two bundles, and no --bundle", ErrorKind::usage);
  const runtime::Explanation a = explanation_of(globals, words[0], arguments),
                             b = explanation_of(globals, words[1], arguments);
  const PlanDiff diff{words[0], words[1], runtime::changes_between(a, b)};
  print_if_read(wants_json(arguments) ? diff_json(diff) : diff_text(diff, wants_colours()));
  return diff.sections.empty() ? 0 : 2;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  if (arguments.flag("diff")) return print_diff(globals, arguments);
  if (arguments.positional().size() > 1) throw Error("a second bundle is for --diff", ErrorKind::usage);
  std::string text = runtime::explain(globals, bundle_request(arguments), wants_json(arguments));
  if (!text.ends_with('\n')) text += '\n';
  sys::write_all(sys::standard_output, text);
  return 0;
}

}  // namespace

constinit const Command explain_command = {
    .name = "explain",
    .stage = Stage::prepare,
    .summary = "print the steps a bundle compiles to, without running any",
    .positionals = "[BUNDLE [OTHER]]",
    .min_positionals = 0,
    .max_positionals = 2,
    .description =
        "Reads config.json, checks it, and prints in order what create would do: namespaces, mounts, "
        "devices, limits,\n"
        "identity. Each step names the setting that asked for it. Nothing is changed on the host.",
    .example = "ocx explain /srv/web\n  ocx explain --diff /srv/web /srv/web/config.json.old",
    .exit_codes = "0 the bundle is valid, or both do the same; 1 any error; 2 with --diff: they differ",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
