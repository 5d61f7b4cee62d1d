#include "runtime/top.hpp"

#include <poll.h>

#include "cmd/duration.hpp"
#include "cmd/live_screen.hpp"
#include "cmd/output.hpp"
#include "cmd/top_table.hpp"
#include "cmd/verbs.hpp"
#include "sys/event_fd.hpp"
#include "sys/socket.hpp"

namespace ocx::cmd {
namespace {

constexpr Option options[] = {
    {"once", 0, nullptr, "print once, after one interval, and end: so without a terminal, too"},
    {"json", 0, nullptr, "print once, as one JSON object: container (as `ocx stats` has it) and processes"},
    {"interval", 0, "TIME", "between two looks, which CPU is measured over, as 500ms or 1m (default: 1s)"},
};

class LiveProcesses final : public LiveTable {
 public:
  explicit LiveProcesses(runtime::ProcessWatch& watch) : watch_(watch) {}
  void sample() override { watch_.sample(); }
  bool ended() const override { return watch_.ended(); }
  const std::vector<sys::UniqueFd>& ends() const override { return watch_.ends(); }
  std::vector<std::string> lines(const TableStyle& style) const override {
    return watch_.usage() ? top_table(*watch_.usage(), watch_.processes(), style)
                          : std::vector<std::string>();
  }
  std::string nothing() const override { return ""; }

 private:
  runtime::ProcessWatch& watch_;
};

/// Nothing is printed of a container that ends meanwhile.
int print_once(runtime::ProcessWatch& watch, std::int64_t interval, bool json) {
  const sys::Timer timer(interval);
  watch.sample();
  std::vector<sys::PollEntry> entries{{timer.fd(), POLLIN}, {sys::standard_output, 0}};
  for (const sys::UniqueFd& end : watch.ends()) entries.push_back({end, POLLIN});
  sys::poll(entries, -1);
  watch.sample();
  if (!watch.usage()) return 0;
  if (json) {
    print_if_read(top_json(*watch.usage(), watch.processes()));
    return 0;
  }
  std::string text;
  for (const std::string& line :
       top_table(*watch.usage(), watch.processes(), {.width = table_width(), .colours = wants_colours()}))
    text += line + "\n";
  print_if_read(text);
  return 0;
}

int run(const runtime::Globals& globals, const Arguments& arguments) {
  const std::int64_t interval = duration_value("interval", arguments.value_or("interval", "1s"));
  runtime::ProcessWatch watch(globals, arguments.positional().front());
  const bool json = arguments.flag("json");
  if (json || arguments.flag("once") || !can_draw()) return print_once(watch, interval, json);
  LiveProcesses live(watch);
  return show_live(live, interval);
}

}  // namespace

constinit const Command top_command = {
    .name = "top",
    .stage = Stage::watch,
    .summary = "show live which process of a container uses how much",
    .positionals = "ID",
    .min_positionals = 1,
    .max_positionals = 1,
    .description =
        "Shows the processes of a running or paused container, who uses most CPU first, until q or "
        "control-C, or the\n"
        "container ends. The first line is the container as a whole.\n"
        "  PID      as the host numbers it\n"
        "  S        state: R running, S asleep, D waiting for a disk or the like, T stopped, Z ended\n"
        "  CPU      since the last look; 100% is one processor\n"
        "  TIME     CPU time since it began, minutes and seconds\n"
        "  MEMORY   resident; what processes share counts for each",
    .example = "ocx top web\n  ocx top --json web | jq '.processes | max_by(.memory)'",
    .exit_codes = "0 quit, or the container has ended; 1 any error; 128 + N ended by signal N",
    .options = options,
    .run = run,
};

}  // namespace ocx::cmd
