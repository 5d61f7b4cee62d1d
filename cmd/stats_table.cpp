#include "cmd/stats_table.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace ocx::cmd {
namespace {

using spec::Usage;
using Number = std::optional<std::uint64_t>;

constexpr const char *plain = "", *bold = "\x1b[1m", *red = "\x1b[31m", *yellow = "\x1b[33m",
                     *reset = "\x1b[0m";
constexpr std::size_t gap = 2, short_id = 16;

/// One decimal, without a locale.
std::string decimal(double value) {
  const auto tenths = static_cast<std::uint64_t>(std::llround(std::max(0.0, value) * 10));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string percent(const std::optional<double>& value) {
  return value ? decimal(*value) + "%" : "-";
}

std::string size(const Number& bytes) {
  return bytes ? readable_size(*bytes) : "-";
}

std::string count(const Number& number) {
  return number ? std::to_string(*number) : "-";
}

std::string of_limit(const std::string& used, const std::string& limit) {
  return used == "-" ? used : used + " / " + limit;
}

std::string cpu(const Usage& usage) {
  return usage.status == spec::Status::paused ? "paused" : percent(usage.cpu_percent);
}

const char* memory_colour(const Usage& usage) {
  return usage.memory_percent().value_or(0) >= 90 ? red : plain;
}
const char* throttled_colour(const Usage& usage) {
  return usage.throttled_percent.value_or(0) > 0 ? yellow : plain;
}
const char* no_colour(const Usage&) {
  return plain;
}

struct Column {
  const char* heading;
  int rank;               // the highest is left out first; 0 never
  std::size_t narrowest;  // so that columns keep their places while figures grow
  std::string (*text)(const Usage&);
  const char* (*colour)(const Usage&) = no_colour;
};

const Column columns[] = {
    {"ID", 0, 0, [](const Usage& usage) { return usage.id; }},
    {"CPU", 1, 6, cpu},
    {"MEMORY / LIMIT", 2, 19,
     [](const Usage& usage) { return of_limit(size(usage.memory), size(usage.memory_limit)); }},
    {"MEM", 4, 5, [](const Usage& usage) { return percent(usage.memory_percent()); }, memory_colour},
    {"PIDS / LIMIT", 3, 0,
     [](const Usage& usage) { return of_limit(count(usage.pids), count(usage.pids_limit)); }},
    {"READ", 6, 8, [](const Usage& usage) { return size(usage.io_read); }},
    {"WRITTEN", 6, 8, [](const Usage& usage) { return size(usage.io_written); }},
    {"THROTTLED", 5, 0, [](const Usage& usage) { return percent(usage.throttled_percent); },
     throttled_colour},
    {"PSI CPU", 7, 0, [](const Usage& usage) { return percent(usage.cpu_pressure); }},
    {"PSI MEM", 7, 0, [](const Usage& usage) { return percent(usage.memory_pressure); }},
    {"PSI IO", 7, 0, [](const Usage& usage) { return percent(usage.io_pressure); }},
};

/// A column with its texts, heading first.
struct Filled {
  const Column* column;
  std::vector<std::string> texts;
  std::size_t width = 0;

  void measure() {
    width = column->narrowest;
    for (const std::string& text : texts) width = std::max(width, text.size());
  }
  void cut(std::size_t longest) {
    for (std::string& text : texts)
      if (text.size() > longest) text = text.substr(0, longest - 1) + "~";
    measure();
  }
};

std::vector<Filled> fill(const std::vector<Usage>& usages) {
  std::vector<Filled> filled;
  for (const Column& column : columns) {
    Filled& next = filled.emplace_back(Filled{&column, {column.heading}});
    for (const Usage& usage : usages) next.texts.push_back(column.text(usage));
    next.measure();
  }
  return filled;
}

std::size_t total_width(const std::vector<Filled>& table) {
  std::size_t width = 0;
  for (const Filled& filled : table) width += filled.width + gap;
  return width - gap;
}

/// Long ids (engines use 64 digits) are shortened first, then columns left out, then ids cut to what there
/// is.
void fit(std::vector<Filled>& table, std::size_t width) {
  if (total_width(table) <= width) return;
  Filled& ids = table.front();
  const std::size_t others = total_width(table) - ids.width;
  ids.cut(others + short_id < width ? width - others : short_id);
  while (total_width(table) > width && table.size() > 1) {
    int last = 0;
    for (const Filled& filled : table) last = std::max(last, filled.column->rank);
    std::erase_if(table, [&](const Filled& filled) { return filled.column->rank == last; });
  }
  if (total_width(table) > width) table.front().cut(std::max<std::size_t>(width, 2));
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string blanks(width - text.size(), ' ');
  return left ? text + blanks : blanks + text;
}

}  // namespace

std::string readable_size(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.96 KiB would be shown as 1024.
  for (; value >= 1023.95 && unit + 1 < std::size(units); ++unit) value /= 1024;
  std::string number = value >= 99.95 ? std::to_string(std::llround(value)) : decimal(value);
  if (number.size() > 2 && number.ends_with(".0")) number.resize(number.size() - 2);
  return number + " " + units[unit];
}

std::vector<std::string> stats_table(const std::vector<Usage>& usages, const TableStyle& style) {
  std::vector<Filled> table = fill(usages);
  if (style.width != 0) fit(table, style.width);
  std::vector<std::string> lines;
  for (std::size_t row = 0; row <= usages.size(); ++row) {
    std::string line;
    for (const Filled& filled : table) {
      const std::string cell = padded(filled.texts[row], filled.width, &filled == &table.front());
      const char* colour = !style.colours ? plain : row == 0 ? bold : filled.column->colour(usages[row - 1]);
      if (!line.empty()) line.append(gap, ' ');
      line.append(colour).append(cell).append(*colour != '\0' ? reset : "");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace ocx::cmd
