#include "cmd/run_options.hpp"

#include <charconv>
#include <cmath>

#include "cmd/create_options.hpp"
#include "cmd/exec_options.hpp"
#include "cmd/globals.hpp"
#include "cmd/limit_options.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr std::uint64_t usual_period = 100000;  // microseconds, of cpu.cfs_period_us

/// --cpus: the quota of each period. The kernel takes no quota below 1 ms: a hundredth of a processor.
void read_cpus(const Arguments& arguments, spec::Resources& resources) {
  const auto text = arguments.value("cpus");
  if (!text) return;
  double cpus = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), cpus);
  if (error != std::errc() || end != text->data() + text->size() || !(cpus >= 0.01 && cpus <= 1e6))
    throw Error("invalid value " + sys::quote(*text) + " for --cpus: use a number from 0.01 on, as 0.5",
                ErrorKind::usage);
  spec::CpuLimits& cpu = resources.cpu.emplace();
  cpu.period = usual_period;
  cpu.quota = std::llround(cpus * static_cast<double>(usual_period));
}

std::optional<bool> terminal(const Arguments& arguments) {
  for (const char* option : {"tty", "it"})
    if (arguments.value(option)) return arguments.flag(option);
  return std::nullopt;
}

spec::Overrides overrides(const Arguments& arguments) {
  spec::Overrides result;
  result.args = arguments.command();
  result.env = variables(arguments.values("env"));
  read_user(arguments, result.uid, result.gid);
  result.terminal = terminal(arguments);
  result.hostname = arguments.value("hostname");
  result.resources = limits(arguments);
  read_cpus(arguments, result.resources);
  return result;
}

void refuse_both(const Arguments& arguments, const char* one, const char* other) {
  if (arguments.flag(one) && arguments.flag(other))
    throw Error(std::string("--") + one + " and --" + other + " exclude each other", ErrorKind::usage);
}

}  // namespace

bool names_bundle(const Arguments& arguments) {
  if (arguments.value("bundle")) return false;
  const std::string& word = arguments.positional().front();
  return word.find('/') != std::string::npos || word == "." || word == "..";
}

runtime::RunRequest run_request(const Arguments& arguments) {
  refuse_both(arguments, "rm", "keep");
  runtime::RunRequest request;
  request.create = create_request(arguments);
  if (names_bundle(arguments)) {
    request.create.id.clear();
    request.create.bundle = absolute_path(arguments.positional().front());
  }
  request.create.overrides = overrides(arguments);
  request.detach = arguments.flag("detach");
  request.keep = arguments.flag("keep");
  request.remove = request.detach && arguments.flag("rm");
  request.no_subreaper = arguments.flag("no-subreaper");
  return request;
}

}  // namespace ocx::cmd
