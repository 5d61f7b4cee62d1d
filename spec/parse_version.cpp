#include <algorithm>

#include "spec/parse_parts.hpp"
#include "spec/version.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// SemVer 2.0.0, 2: numbers without leading zeros.
bool is_version_number(std::string_view text) {
  return is_number(text) && (text.size() == 1 || text.front() != '0');
}

// SemVer 2.0.0, 9 and 10: dot-separated identifiers; only in a pre-release are numeric ones bound to the rule
// of 2.
bool are_identifiers(std::string_view text, bool pre_release) {
  for (const std::string& identifier : sys::split(text, '.')) {
    const auto allowed = [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    };
    if (identifier.empty() || !std::all_of(identifier.begin(), identifier.end(), allowed)) return false;
    if (pre_release && is_number(identifier) && !is_version_number(identifier)) return false;
  }
  return !text.empty();
}

struct Version {
  std::string major, minor;
};

std::optional<Version> parse_semver(std::string_view text) {
  const std::size_t plus = text.find('+');
  if (plus != std::string_view::npos && !are_identifiers(text.substr(plus + 1), false)) return std::nullopt;
  const std::string_view precedence = text.substr(0, plus);
  const std::size_t dash = precedence.find('-');
  if (dash != std::string_view::npos && !are_identifiers(precedence.substr(dash + 1), true))
    return std::nullopt;
  const std::vector<std::string> core = sys::split(precedence.substr(0, dash), '.');
  if (core.size() != 3 || !std::all_of(core.begin(), core.end(), is_version_number)) return std::nullopt;
  return Version{core[0], core[1]};
}

}  // namespace

void check_version(const Json& json, Warnings& warnings) {
  const std::string& text = json.string();
  const auto version = parse_semver(text);
  if (!version)
    throw json.error(sys::quote(text) + " is no version of the form MAJOR.MINOR.PATCH")
        .hint(std::string("use \"") + oci_version_max + '"');
  if (version->major != "1")
    throw json.error("runtime-spec " + sys::quote(text) + " is not supported").hint("ocx implements 1.x");
  const auto minor = sys::parse_uint(version->minor);
  if (!minor || minor > sys::parse_uint(parse_semver(oci_version_max)->minor))
    warnings.push_back("runtime-spec " + sys::quote(text) + " (/ociVersion) is newer than " +
                       oci_version_max + ": what it adds is unknown, ignoring");
}

}  // namespace ocx::spec
