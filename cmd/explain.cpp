#include "cmd/create_options.hpp"
#include "cmd/globals.hpp"
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
    {"format", 0, "FORMAT", "text or json (default: text)"},
};

runtime::CreateRequest request_of(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (!words.empty() && arguments.value("bundle"))
    throw Error("the bundle is given twice: by --bundle and as an argument", ErrorKind::usage);
  runtime::CreateRequest request;
  request.id = "ID";
  request.bundle = words.empty() ? bundle_path(arguments) : absolute_path(words.front());
  request.config_file = arguments.value_or("config", request.config_file);
  return request;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.value_or("format", "text");
  if (format != "text" && format != "json")
    throw Error("invalid value " + sys::quote(format) + " for --format: use text or json", ErrorKind::usage);
  std::string text = runtime::explain(globals, request_of(arguments), format == "json");
  if (!text.ends_with('\n')) text += '\n';
  sys::write_all(sys::standard_output, text);
  return 0;
}

}  // namespace

constinit const Command explain_command = {
    .name = "explain",
    .stage = Stage::prepare,
    .summary = "print the steps a bundle compiles to, without running any",
    .positionals = "[BUNDLE]",
    .min_positionals = 0,
    .max_positionals = 1,
    .description =
        "Reads config.json, checks it, and prints in order what create would do: namespaces, mounts, "
        "devices, limits,\n"
        "identity. Each step names the setting that asked for it. Nothing is changed on the host.",
    .example = "ocx explain /srv/web",
    .exit_codes = "0 the bundle is valid, 1 any error",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
