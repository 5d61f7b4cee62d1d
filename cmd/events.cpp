#include "runtime/events.hpp"

#include "cmd/duration.hpp"
#include "cmd/output.hpp"
#include "cmd/verbs.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"interval", 0, "TIME", "between two stats lines, as 500ms or 1m30s (default: 5s)"},
    {"stats", 0, nullptr, "print the figures of now, and end"},
};

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::string& id = arguments.positional().front();
  const std::int64_t interval = duration_value("interval", arguments.value_or("interval", "5s"));
  if (arguments.flag("stats")) {
    print_if_read(runtime::stats_event(globals, id) + "\n");
    return 0;
  }
  runtime::EventStream events(globals, id, interval);
  while (const auto lines = events.next(sys::standard_output))
    for (const std::string& line : *lines)
      if (!print_if_read(line + "\n")) return 0;
  return 0;
}

}  // namespace

constinit const Command events_command = {
    .name = "events",
    .stage = Stage::watch,
    .summary = "report a container's resource use and out-of-memory kills, for programs",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Prints JSON, one object a line, until the container ends or nobody reads any more:\n"
        "  {\"type\":\"stats\",\"id\":…,\"data\":…}  at the end of each interval: cpu (nanoseconds), memory "
        "(bytes), pids,\n"
        "                                    block I/O, huge pages, pressure; the same keys on cgroup v1 and "
        "v2\n"
        "  {\"type\":\"oom\",\"id\":…}             whenever the container has used up its memory limit and a "
        "process is killed\n"
        "For people there is `ocx stats`.",
    .example = "ocx events --interval 1s web | jq .data.memory.usage.usage",
    .exit_codes = "0 the container has ended, 1 any error, also when it is not running",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
