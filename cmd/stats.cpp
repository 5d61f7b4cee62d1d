#include "runtime/stats.hpp"

#include <poll.h>

#include "cmd/duration.hpp"
#include "cmd/live_screen.hpp"
#include "cmd/output.hpp"
#include "cmd/stats_table.hpp"
#include "cmd/verbs.hpp"
#include "spec/usage.hpp"
#include "sys/error.hpp"
#include "sys/event_fd.hpp"
#include "sys/fd.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"format", 'f', "FORMAT",
     "table, or json: one object a container and line; with --no-stream one array (default: table)",
     "table json"},
    {"interval", 0, "TIME", "between two looks, which rates are measured over, as 500ms or 1m (default: 1s)"},
    {"no-stream", 0, nullptr, "print once, after one interval, and end"},
};

using Usages = std::vector<spec::Usage>;

std::string table(const Usages& usages) {
  const TableStyle style{.width = table_width(), .colours = wants_colours()};
  std::string text;
  for (const std::string& line : stats_table(usages, style)) text.append(line).append("\n");
  return text;
}

std::string json_lines(const Usages& usages) {
  std::string text;
  for (const spec::Usage& usage : usages) text.append(spec::write_usage(usage)).append("\n");
  return text;
}

std::string json_array(const Usages& usages) {
  std::string text;
  for (const spec::Usage& usage : usages)
    text.append(text.empty() ? "" : ",").append(spec::write_usage(usage));
  return "[" + text + "]\n";
}

/// False when the reader has left. Returns early when a named container ends.
bool wait(const runtime::UsageWatch& watch, const sys::Timer& timer) {
  std::vector<sys::PollEntry> entries{{sys::standard_output, 0}, {timer.fd(), POLLIN}};
  for (const sys::UniqueFd& end : watch.ends()) entries.push_back({end, POLLIN});
  sys::poll(entries, -1);
  timer.take();
  return !entries.front().ready;
}

int print_once(runtime::UsageWatch& watch, std::int64_t interval, bool json) {
  const sys::Timer timer(interval);
  watch.next();
  if (!wait(watch, timer)) return 0;
  const Usages usages = watch.next();
  print_if_read(json ? json_array(usages) : table(usages));
  return 0;
}

class LiveUsage final : public LiveTable {
 public:
  explicit LiveUsage(runtime::UsageWatch& watch) : watch_(watch) {}
  void sample() override { usages_ = watch_.next(); }
  bool ended() const override { return watch_.ended(); }
  const std::vector<sys::UniqueFd>& ends() const override { return watch_.ends(); }
  std::vector<std::string> lines(const TableStyle& style) const override {
    return stats_table(usages_, style);
  }
  std::string nothing() const override { return usages_.empty() ? "no running container" : ""; }

 private:
  runtime::UsageWatch& watch_;
  Usages usages_;
};

int print_stream(runtime::UsageWatch& watch, std::int64_t interval, bool json) {
  const sys::Timer timer(interval);
  watch.next();
  const char* separator = "";
  while (wait(watch, timer)) {
    const Usages usages = watch.next();
    if (watch.ended() || !print_if_read(json ? json_lines(usages) : separator + table(usages))) break;
    separator = "\n";
  }
  return 0;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::string format = arguments.value_or("format", "table");
  if (format != "table" && format != "json")
    throw Error("invalid value " + sys::quote(format) + " for --format: use table or json", ErrorKind::usage);
  const std::int64_t interval = duration_value("interval", arguments.value_or("interval", "1s"));
  runtime::UsageWatch watch(globals, arguments.positional());
  const bool json = format == "json";
  if (arguments.flag("no-stream")) return print_once(watch, interval, json);
  if (!json && can_draw()) {
    LiveUsage live(watch);
    return show_live(live, interval);
  }
  return print_stream(watch, interval, json);
}

}  // namespace

constinit const Command stats_command = {
    .name = "stats",
    .stage = Stage::watch,
    .summary = "show live what containers use: CPU, memory, processes, I/O, pressure",
    .positionals = "[ID…]",
    .min_positionals = 0,
    .max_positionals = any_number,
    .description =
        "Shows the running and paused containers, or those named, until q or control-C; without a terminal, "
        "a "
        "table\n"
        "each interval.\n"
        "  CPU            time since the last look; 100% is one processor. \"-\": no figure yet\n"
        "  MEMORY         without the file cache that the kernel can drop at once, against memory.limit\n"
        "  PIDS           processes and threads, against pids.limit\n"
        "  READ, WRITTEN  block devices, in all\n"
        "  THROTTLED      share of the periods in which cpu.quota stopped the container: above 0% it wants "
        "more\n"
        "  PSI            share of the last 10 s in which something in the container waited for CPU, memory "
        "or "
        "I/O\n"
        "\"-\" is: no such limit, or not counted on this host. On a narrow terminal the columns to the right "
        "go "
        "first.",
    .example = "ocx stats --no-stream --format json | jq '.[] | {id, used: .memory.used}'",
    .exit_codes = "0 quit, or the named containers have ended; 1 any error; 128 + N ended by signal N",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
