#include "spec/names.hpp"

#include <algorithm>
#include <array>

namespace ocx::spec {
namespace {

// The kernel's range; glibc's SIGRTMIN is 34, because it keeps 32 and 33 for itself, and that is what kill(1)
// means too.
constexpr int first_realtime = 34, last_signal = 64;

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return upper(c); });
  return result;
}

std::optional<int> number_within(std::string_view digits, int low, int high) {
  if (digits.empty() || digits.size() > 3) return std::nullopt;
  int value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value < low || value > high) return std::nullopt;
  return value;
}

std::optional<int> realtime_signal(std::string_view name) {
  if (name == "RTMIN") return first_realtime;
  if (name == "RTMAX") return last_signal;
  const std::string_view base = name.substr(0, 6), offset = name.size() > 6 ? name.substr(6) : "";
  const std::optional<int> distance = number_within(offset, 0, last_signal - first_realtime);
  if (!distance) return std::nullopt;
  if (base == "RTMIN+") return first_realtime + *distance;
  if (base == "RTMAX-") return last_signal - *distance;
  return std::nullopt;
}

constexpr std::size_t longest_compared = 64;

// Levenshtein distance; both texts are at most longest_compared long.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::size_t, longest_compared + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitution});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view closest_name(std::string_view text, const std::vector<std::string_view>& known) {
  if (text.empty() || text.size() > longest_compared) return {};
  const std::string wanted = upper(text);
  std::string_view best;
  // Three edits of a four-letter word is another word.
  std::size_t best_distance = std::min<std::size_t>(3, (text.size() + 2) / 3 + 1);
  for (const std::string_view name : known) {
    if (name.size() > longest_compared) continue;
    if (wanted.size() >= 3 && upper(name).starts_with(wanted)) return name;
    const std::size_t distance = edit_distance(wanted, upper(name));
    if (distance < best_distance) best = name, best_distance = distance;
  }
  return best;
}

std::optional<int> capability_number(std::string_view name) {
  const auto* found = std::find(std::begin(capability_names), std::end(capability_names), name);
  if (found == std::end(capability_names)) return std::nullopt;
  return static_cast<int>(found - std::begin(capability_names));
}

std::optional<int> parse_signal(std::string_view text) {
  if (const auto number = number_within(text, 1, last_signal)) return number;
  const std::string name = upper(text);
  std::string_view bare = name;
  if (bare.starts_with("SIG")) bare.remove_prefix(3);
  if (const auto number = value_of(signal_names, bare)) return number;
  return realtime_signal(bare);
}

}  // namespace ocx::spec
