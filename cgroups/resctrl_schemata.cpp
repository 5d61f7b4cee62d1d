#include "cgroups/resctrl_schemata.hpp"

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "cgroups/detect.hpp"
#include "cgroups/resctrl.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view resource_of(std::string_view line) {
  return trimmed(line.substr(0, line.find(':')));
}

/// Cache shares are bit masks in hexadecimal, bandwidth is decimal.
bool is_bandwidth(std::string_view resource) {
  return resource == "MB" || resource == "SMBA";
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  text = trimmed(text);
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Resource and domain -> value.
using Shares = std::map<std::pair<std::string, std::uint64_t>, std::uint64_t>;

bool add_line(std::string_view line, Shares& shares) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string resource(resource_of(line));
  const int base = is_bandwidth(resource) ? 10 : 16;
  for (const std::string& part : sys::split(line.substr(colon + 1), ';')) {
    if (trimmed(part).empty()) continue;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) return false;
    const auto domain = parse_number(std::string_view(part).substr(0, equals), 10);
    const auto value = parse_number(std::string_view(part).substr(equals + 1), base);
    if (!domain || !value) return false;
    shares[{resource, *domain}] = *value;
  }
  return true;
}

/// False for a line that can't be understood; the others are there.
bool parse_shares(std::string_view schemata, Shares& shares) {
  bool good = true;
  for (const std::string& line : sys::split(schemata, '\n'))
    if (!trimmed(line).empty() && !add_line(line, shares)) good = false;
  return good;
}

std::uint64_t rounded_up(std::uint64_t value, unsigned step) {
  const std::uint64_t rest = value % step;
  return rest == 0 ? value : value - rest + step;
}

}  // namespace

bool schemata_agree(std::string_view asked, std::string_view found, unsigned bandwidth_step) {
  Shares wanted, there;
  if (!parse_shares(asked, wanted)) return false;
  parse_shares(found, there);
  for (const auto& [domain, value] : wanted) {
    const auto share = there.find(domain);
    if (share == there.end()) return false;
    const bool rounds = is_bandwidth(domain.first) && bandwidth_step > 1;
    if (share->second != value && (!rounds || share->second != rounded_up(value, bandwidth_step)))
      return false;
  }
  return true;
}

unsigned read_bandwidth_step(const std::string& root) {
  const auto text = sys::read_file_if_any(sys::FdRef::cwd(), root + "/info/MB/bandwidth_gran");
  if (!text) return 1;
  const std::uint64_t step = parse_number(sys::split(*text, '\n').front(), 10).value_or(1);
  return step > 0 && step <= 100 ? static_cast<unsigned>(step) : 1;
}

std::string schemata_line(std::string_view schemata, std::string_view resource) {
  std::string result;
  for (const std::string& line : sys::split(schemata, '\n')) {
    const std::string_view name = resource_of(line);
    const bool part = name.starts_with(resource) && (name.ends_with("CODE") || name.ends_with("DATA"));
    if (name != resource && !part) continue;
    if (!result.empty()) result += '\n';
    result += trimmed(line);
  }
  return result;
}

std::string resctrl_mount_point(std::string_view mountinfo) {
  for (const std::string& line : sys::split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - resctrl ");
    if (dash == std::string::npos) continue;
    const auto fields = sys::split(std::string_view(line).substr(0, dash), ' ');
    if (fields.size() >= 6) return unescape_mount_path(fields[4]);
  }
  return {};
}

}  // namespace ocx::cgroups
