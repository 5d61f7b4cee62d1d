#include "cmd/duration.hpp"

#include <optional>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr Unit units[] = {{"ns", 1},   {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3},
                          {"ms", 1e6}, {"s", 1e9},  {"m", 60e9},      {"h", 3600e9}};
/// 292 years, Go's limit and ours.
constexpr double longest = 9.2e18;

std::string_view take_while(std::string_view& text, std::string_view characters, bool are_in) {
  const std::size_t end = are_in ? text.find_first_not_of(characters) : text.find_first_of(characters);
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(taken.size());
  return taken;
}

/// "1.5", ".5", "1."
std::optional<double> decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view rest = point == std::string_view::npos ? "" : text.substr(point + 1);
  if ((whole.empty() && rest.empty()) || rest.find('.') != std::string_view::npos) return std::nullopt;
  double value = 0, place = 1;
  for (const char digit : whole) value = value * 10 + (digit - '0');
  for (const char digit : rest) value += (digit - '0') * (place /= 10);
  return value;
}

std::optional<double> unit_ns(std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return unit.nanoseconds;
  return std::nullopt;
}

std::optional<double> parse(std::string_view text) {
  constexpr std::string_view digits = "0123456789.";
  double total = 0;
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto number = decimal(take_while(text, digits, true));
    const auto unit = unit_ns(take_while(text, digits, false));
    if (!number || !unit) return std::nullopt;
    total += *number * *unit;
  }
  return total;
}

}  // namespace

std::int64_t duration_value(std::string_view option, std::string_view text) {
  const auto nanoseconds = parse(text);
  if (!nanoseconds || *nanoseconds < 1 || *nanoseconds > longest)
    throw Error("invalid duration " + sys::quote(text) + " for --" + std::string(option) +
                    ": use more than 0, with a unit, as 500ms, 5s or 1m30s",
                ErrorKind::usage);
  return static_cast<std::int64_t>(*nanoseconds);
}

}  // namespace ocx::cmd
