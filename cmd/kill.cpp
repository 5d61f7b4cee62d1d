#include "cmd/matching.hpp"
#include "cmd/verbs.hpp"
#include "runtime/operations.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"all", 'a', nullptr,
     "signal every process of the container's cgroup; a stopped container is then no error"},
    regex_option,
};

int signal_number(const std::string& text) {
  // kill(2): 0 sends nothing and only checks.
  if (text == "0") return 0;
  const auto number = spec::parse_signal(text);
  if (!number) throw Error("unknown signal " + sys::quote(text), ErrorKind::usage);
  return *number;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const auto& words = arguments.positional();
  std::optional<int> signal;
  if (words.size() > 1) signal = signal_number(words[1]);
  for_each_container(globals, arguments, [&](const std::string& id) {
    runtime::kill(globals, {.id = id, .signal = signal, .all = arguments.flag("all")});
  });
  return 0;
}

}  // namespace

constinit const Command kill_command = {
    .name = "kill",
    .stage = Stage::act,
    .summary = "send a signal to a container",
    .positionals = "ID [SIGNAL]",
    .min_positionals = 1,
    .max_positionals = 2,
    .description =
        "Sends a signal to the container's first process. SIGNAL is a number or a name: 9, KILL, SIGKILL, "
        "RTMIN+3\n"
        "(default: the stop signal of the image, org.opencontainers.image.stopSignal, else TERM); 0 sends\n"
        "nothing, and only asks whether the process is there. Options stand before ID.",
    .example = "ocx kill web KILL",
    .exit_codes = "0 sent, 1 any error, also when the container is not running",
    .options = options,
    .order = Order::before_positionals,
    .run = run,
};

}  // namespace ocx::cmd
