#include "cmd/top_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

using runtime::ProcessUse;

constexpr std::size_t numbers = 6;  // columns aligned to the right; the command follows
using Row = std::array<std::string, numbers>;

/// One decimal, without a locale.
std::string decimal(double value) {
  const auto tenths = static_cast<std::uint64_t>(std::llround(std::max(0.0, value) * 10));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string percent(const std::optional<double>& value) {
  return value ? decimal(*value) + "%" : "-";
}

/// "1:23:45.6", "0:00.6"
std::string cpu_time(double seconds) {
  const auto tenths = static_cast<std::uint64_t>(std::llround(seconds * 10));
  const std::uint64_t minutes = tenths / 600, rest = tenths % 600;
  const auto two = [](std::uint64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  const std::string hours = minutes >= 60 ? std::to_string(minutes / 60) + ":" : "";
  return hours + (hours.empty() ? std::to_string(minutes) : two(minutes % 60)) + ":" + two(rest / 10) + "." +
         std::to_string(rest % 10);
}

std::string amount(const std::optional<std::uint64_t>& used, const std::optional<std::uint64_t>& limit,
                   std::string (*text)(std::uint64_t)) {
  if (!used) return "-";
  return text(*used) + (limit ? " of " + text(*limit) : "");
}

std::string number_text(std::uint64_t number) {
  return std::to_string(number);
}

std::string summary(const spec::Usage& whole) {
  return whole.id + ": " + std::string(spec::status_name(whole.status)) + ", CPU " +
         percent(whole.cpu_percent) + ", memory " + amount(whole.memory, whole.memory_limit, readable_size) +
         ", tasks " + amount(whole.pids, whole.pids_limit, number_text);
}

Row row_of(const ProcessUse& use) {
  return {std::to_string(use.pid),  std::to_string(use.uid),   std::string(1, use.state),
          percent(use.cpu_percent), cpu_time(use.cpu_seconds), readable_size(use.memory)};
}

std::string cut(std::string line, std::size_t width) {
  if (width != 0 && line.size() > width) line.resize(width);
  return line;
}

}  // namespace

std::vector<std::string> top_table(const spec::Usage& whole, const std::vector<ProcessUse>& processes,
                                   const TableStyle& style) {
  std::vector<Row> rows = {{"PID", "UID", "S", "CPU", "TIME", "MEMORY"}};
  for (const ProcessUse& use : processes) rows.push_back(row_of(use));
  std::array<std::size_t, numbers> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < numbers; ++i) widths[i] = std::max(widths[i], row[i].size());
  std::vector<std::string> lines = {cut(summary(whole), style.width)};
  for (std::size_t n = 0; n < rows.size(); ++n) {
    std::string line;
    for (std::size_t i = 0; i < numbers; ++i)
      line += std::string(widths[i] - rows[n][i].size() + (i == 0 ? 0 : 2), ' ') + rows[n][i];
    line = cut(line + "  " + (n == 0 ? "COMMAND" : processes[n - 1].command), style.width);
    lines.push_back(n == 0 && style.colours ? "\x1b[1m" + line + "\x1b[0m" : line);
  }
  return lines;
}

std::string top_json(const spec::Usage& whole, const std::vector<ProcessUse>& processes) {
  std::string list;
  for (const ProcessUse& use : processes)
    list += std::string(list.empty() ? "" : ",") + "{\"pid\":" + std::to_string(use.pid) +
            ",\"uid\":" + std::to_string(use.uid) +
            ",\"state\":" + sys::json_string(std::string(1, use.state)) +
            ",\"cpu_percent\":" + (use.cpu_percent ? decimal(*use.cpu_percent) : "null") +
            ",\"cpu_seconds\":" + decimal(use.cpu_seconds) + ",\"memory\":" + std::to_string(use.memory) +
            ",\"command\":" + sys::json_string(use.command) + "}";
  return "{\"container\":" + spec::write_usage(whole) + ",\"processes\":[" + list + "]}\n";
}

}  // namespace ocx::cmd
