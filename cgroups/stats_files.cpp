#include "cgroups/stats_files.hpp"

#include <algorithm>

#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// Words between blanks.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = line.find(' ');
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return words;
}

template <typename Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

/// "some=value" -> value; nothing for another key.
std::optional<std::string_view> value_of(std::string_view word, std::string_view key) {
  if (word.size() <= key.size() || word.substr(0, key.size()) != key || word[key.size()] != '=')
    return std::nullopt;
  return word.substr(key.size() + 1);
}

/// "12.34", without a locale.
double parse_percent(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = sys::parse_uint(text.substr(0, point));
  if (!whole) return 0;
  double value = static_cast<double>(*whole);
  if (point == std::string_view::npos) return value;
  const std::string_view digits = text.substr(point + 1, 6);
  const auto fraction = sys::parse_uint(digits);
  double scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  return fraction ? value + static_cast<double>(*fraction) / scale : value;
}

spec::PressureLine pressure_line(const std::vector<std::string_view>& words) {
  spec::PressureLine line;
  for (const std::string_view word : words) {
    if (const auto value = value_of(word, "avg10")) line.avg10 = parse_percent(*value);
    if (const auto value = value_of(word, "avg60")) line.avg60 = parse_percent(*value);
    if (const auto value = value_of(word, "avg300")) line.avg300 = parse_percent(*value);
    if (const auto value = value_of(word, "total")) line.total = sys::parse_uint(*value).value_or(0);
  }
  return line;
}

/// "8:0"
std::optional<spec::BlockIoEntry> device_of(std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto major = sys::parse_uint(word.substr(0, colon)), minor = sys::parse_uint(word.substr(colon + 1));
  if (!major || !minor) return std::nullopt;
  return spec::BlockIoEntry{*major, *minor, {}, 0};
}

void append(spec::BlockIoStats::Entries& entries, spec::BlockIoEntry entry, const char* operation,
            std::uint64_t value) {
  entry.operation = operation;
  entry.value = value;
  entries.push_back(std::move(entry));
}

void append_io_figure(std::string_view word, const spec::BlockIoEntry& device, spec::BlockIoStats& io) {
  const auto number = [&](std::string_view key) {
    const auto value = value_of(word, key);
    return value ? sys::parse_uint(*value) : std::nullopt;
  };
  if (const auto value = number("rbytes")) append(io.service_bytes, device, "Read", *value);
  if (const auto value = number("wbytes")) append(io.service_bytes, device, "Write", *value);
  if (const auto value = number("rios")) append(io.serviced, device, "Read", *value);
  if (const auto value = number("wios")) append(io.serviced, device, "Write", *value);
}

}  // namespace

std::uint64_t parse_figure(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text == "max" || (text.size() > 1 && text[0] == '-')) return spec::unlimited;
  return sys::parse_uint(text).value_or(0);
}

std::map<std::string, std::uint64_t> parse_flat(std::string_view text) {
  std::map<std::string, std::uint64_t> figures;
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    const auto value = words.size() == 2 ? sys::parse_uint(words[1]) : std::nullopt;
    if (value) figures[std::string(words[0])] = *value;
  });
  return figures;
}

std::vector<std::uint64_t> parse_figures(std::string_view text) {
  std::vector<std::uint64_t> figures;
  for_each_line(text, [&](std::string_view line) {
    for (const std::string_view word : words_of(line))
      if (const auto value = sys::parse_uint(word)) figures.push_back(*value);
  });
  return figures;
}

void parse_usage_all(std::string_view text, spec::CpuStats& cpu) {
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() != 3 || !sys::parse_uint(words[0])) return;
    const auto user = sys::parse_uint(words[1]), system = sys::parse_uint(words[2]);
    if (!user || !system) return;
    cpu.percpu_user.push_back(*user);
    cpu.percpu_kernel.push_back(*system);
  });
}

std::optional<spec::Pressure> parse_pressure(std::string_view text) {
  std::optional<spec::Pressure> pressure;
  std::optional<spec::PressureLine> full;
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (!words.empty() && words[0] == "some") pressure.emplace().some = pressure_line(words);
    if (!words.empty() && words[0] == "full") full = pressure_line(words);
  });
  if (pressure && full) pressure->full = *full;
  return pressure;
}

spec::BlockIoStats::Entries parse_v1_block_io(std::string_view text) {
  spec::BlockIoStats::Entries entries;
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() != 2 && words.size() != 3) return;
    auto entry = device_of(words[0]);
    const auto value = sys::parse_uint(words.back());
    if (!entry || !value) return;
    if (words.size() == 3) entry->operation = words[1];
    entry->value = *value;
    if (entry->operation != "Total") entries.push_back(std::move(*entry));
  });
  return entries;
}

void parse_io_stat(std::string_view text, spec::BlockIoStats& io) {
  for_each_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    const auto device = words.empty() ? std::nullopt : device_of(words[0]);
    if (!device) return;
    for (std::size_t i = 1; i < words.size(); ++i) append_io_figure(words[i], *device, io);
  });
}

}  // namespace ocx::cgroups
