#include "runtime/top.hpp"

#include <algorithm>
#include <cerrno>

#include "runtime/processes.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// USER_HZ, what /proc counts in: 100 on every architecture that ocx runs on.
constexpr double ticks_per_second = 100;

// Field numbers of proc_pid_stat(5), less the three up to the state, which is the first behind the name.
constexpr std::size_t state_field = 0, utime_field = 11, stime_field = 12, start_field = 19;

/// A process that is gone (ENOENT when it is opened, ESRCH when it is read) has none.
std::optional<std::string> read_proc(int pid, const char* file) {
  try {
    return sys::read_file_if_any(sys::FdRef::cwd(), "/proc/" + std::to_string(pid) + "/" + file);
  } catch (const Error& error) {
    if (error.error_number() == ESRCH || error.error_number() == EACCES) return std::nullopt;
    throw;
  }
}

/// The first number of a line of /proc/PID/status: "VmRSS:	    1234 kB"; 0 when there is no such line, as
/// of a process that has ended.
std::uint64_t status_number(std::string_view status, std::string_view name) {
  for (const std::string& line : sys::split(status, '\n')) {
    if (!line.starts_with(name)) continue;
    const std::size_t first = line.find_first_of("0123456789");
    if (first == std::string::npos) return 0;
    return sys::parse_uint(line.substr(first, line.find_first_not_of("0123456789", first) - first))
        .value_or(0);
  }
  return 0;
}

/// The words of /proc/PID/cmdline, which end in NUL, with what a terminal would obey taken out.
std::string printable_words(std::string_view text) {
  while (text.ends_with('\0')) text.remove_suffix(1);
  std::string words(text);
  for (char& c : words) {
    if (c == '\0') c = ' ';
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return words;
}

}  // namespace

std::optional<ProcessCounters> parse_process_stat(std::string_view text) {
  // The name may hold anything, so its end is the last parenthesis.
  const std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  const std::string_view rest = text.substr(std::min(close + 2, text.size()));
  const std::vector<std::string> fields = sys::split(rest, ' ');
  if (fields.size() <= start_field || fields[state_field].size() != 1) return std::nullopt;
  const auto user = sys::parse_uint(fields[utime_field]), system = sys::parse_uint(fields[stime_field]);
  const auto start = sys::parse_uint(fields[start_field]);
  if (!user || !system || !start) return std::nullopt;
  return ProcessCounters{fields[state_field].front(), *user + *system, *start,
                         std::string(text.substr(open + 1, close - open - 1))};
}

std::optional<ProcessUse> ProcessWatch::look_at(int pid, double seconds) {
  const auto counters = parse_process_stat(read_proc(pid, "stat").value_or(""));
  if (!counters) return std::nullopt;
  ProcessUse use;
  use.pid = pid;
  const std::string status = read_proc(pid, "status").value_or("");
  use.uid = static_cast<std::uint32_t>(status_number(status, "Uid:"));
  use.memory = status_number(status, "VmRSS:") * 1024;
  use.state = counters->state;
  use.cpu_seconds = static_cast<double>(counters->ticks) / ticks_per_second;
  use.command = printable_words(read_proc(pid, "cmdline").value_or(""));
  if (use.command.empty()) use.command = "[" + printable_words(counters->name) + "]";
  now_[pid] = {counters->ticks, counters->start_time};
  const auto before = before_.find(pid);
  if (before != before_.end() && before->second.start_time == counters->start_time && seconds > 0)
    use.cpu_percent =
        100 * static_cast<double>(counters->ticks - before->second.ticks) / ticks_per_second / seconds;
  return use;
}

void ProcessWatch::sample() {
  const std::vector<spec::Usage> usages = usage_.next();
  whole_ = usages.empty() ? std::nullopt : std::optional(usages.front());
  processes_.clear();
  if (!whole_) return;
  const std::int64_t now = sys::monotonic_ns();
  const double seconds = static_cast<double>(now - time_ns_) / 1e9;
  now_.clear();
  for (const int pid : runtime::processes(globals_, id_))
    if (auto use = look_at(pid, seconds)) processes_.push_back(std::move(*use));
  std::stable_sort(processes_.begin(), processes_.end(), [](const ProcessUse& a, const ProcessUse& b) {
    return a.cpu_percent.value_or(0) > b.cpu_percent.value_or(0);
  });
  before_ = std::move(now_);
  time_ns_ = now;
}

}  // namespace ocx::runtime
