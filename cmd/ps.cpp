#include "cmd/verbs.hpp"
#include "runtime/processes.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"format", 'f', "FORMAT", "table: what ps(1) prints; json: one array of pids (default: table)",
     "table json"},
};

std::string json(const std::vector<int>& pids) {
  std::string text;
  for (const int pid : pids) text.append(text.empty() ? "" : ",").append(std::to_string(pid));
  return "[" + text + "]\n";
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.value_or("format", "table");
  if (format != "table" && format != "json")
    throw Error("invalid value " + sys::quote(format) + " for --format: use table or json", ErrorKind::usage);
  const auto& words = arguments.positional();
  sys::write_all(sys::standard_output,
                 format == "json"
                     ? json(runtime::processes(globals, words[0]))
                     : runtime::process_table(globals, words[0], {words.begin() + 1, words.end()}));
  return 0;
}

}  // namespace

constinit const Command ps_command = {
    .name = "ps",
    .stage = Stage::watch,
    .summary = "list the processes of a container",
    .positionals = "ID [ps arguments]",
    .min_positionals = 1,
    .max_positionals = any_number,
    .description =
        "Lists every process in the container, those of its child cgroups too, with the pids that the host "
        "gives\n"
        "them (inside, a pid namespace numbers them from 1). The table is what the host's ps(1) prints, cut "
        "down "
        "to\n"
        "the container: words after ID are ps's own arguments (default: -ef), as long as its column PID is "
        "shown.\n"
        "Options stand before ID. A container without a cgroup is told from the host by its pid namespace.",
    .example = "ocx ps web -e -o pid,user,rss,cmd",
    .exit_codes = usual_exit_codes,
    .options = options,
    .order = Order::before_positionals,
    .run = run,
};

}  // namespace ocx::cmd
