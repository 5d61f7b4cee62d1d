#include "cgroups/systemd_annotation.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string_view>

#include "cgroups/systemd_gvariant.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr std::string_view prefix = "org.systemd.property.";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// RFC 6901.
std::string pointer_token(std::string_view name) {
  std::string token;
  for (const char c : name) token += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return token;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// TimeoutStopSec=1.5 of a unit file is TimeoutStopUSec=1500000 on D-Bus.
void to_microseconds(UnitProperty& property) {
  property.name.insert(property.name.size() - 3, "U");
  constexpr double second_us = 1e6;
  if (property.signature == "s" && property.tokens[0] == "infinity") {
    property.tokens = {std::to_string(std::numeric_limits<std::uint64_t>::max())};
  } else {
    double seconds = -1;
    const std::string& text = property.tokens[0];
    const bool is_number = property.signature.find_first_not_of("nqiuxtd") == std::string::npos;
    if (is_number) std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (!is_number || !std::isfinite(seconds) || seconds < 0 || seconds * second_us >= 9e18)
      throw Error("a property in seconds needs a number that is not negative, or 'infinity'",
                  ErrorKind::invalid_config);
    property.tokens = {std::to_string(static_cast<std::uint64_t>(std::llround(seconds * second_us)))};
  }
  property.signature = "t";
}

/// These make the container's cgroup what it is.
bool is_own(const std::string& name) {
  constexpr std::string_view own[] = {"PIDs", "PIDFDs", "Slice", "Delegate", "DelegateControllers"};
  return std::find(std::begin(own), std::end(own), name) != std::end(own);
}

UnitProperty property_of(const std::string& name, const std::string& text) {
  if (name.size() < 3 || !std::all_of(name.begin(), name.end(), is_letter))
    throw Error("no name of a unit's property: " + sys::quote(name), ErrorKind::invalid_config);
  if (is_own(name))
    throw Error("the property " + name + " is the runtime's own", ErrorKind::invalid_config)
        .hint("remove the annotation");
  UnitProperty property = parse_gvariant(text);
  property.name = name;
  if (ends_with(name, "Sec") && !ends_with(name, "USec")) to_microseconds(property);
  return property;
}

}  // namespace

std::vector<UnitProperty> annotated_properties(const std::map<std::string, std::string>& annotations) {
  std::vector<UnitProperty> properties;
  for (const auto& [key, text] : annotations) {
    if (key.rfind(prefix, 0) != 0) continue;
    const std::string origin = "/annotations/" + pointer_token(key);
    try {
      properties.push_back(property_of(key.substr(prefix.size()), text));
      properties.back().origin = origin;
    } catch (Error& error) {
      error.at(origin);
      throw;
    }
  }
  return properties;
}

}  // namespace ocx::cgroups
