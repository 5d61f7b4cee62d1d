#include "cgroups/systemd_unit.hpp"

#include <algorithm>
#include <vector>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr std::size_t longest_name = 255;  // systemd.unit(5)
constexpr std::string_view slice_suffix = ".slice";
constexpr std::string_view init_scope = "/init.scope";

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view(":-_.\\").find(c) != std::string_view::npos;
}

/// "@" is legal, too, but makes an instance of a template, which no transient scope is.
std::string escape(std::string_view text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (is_name_character(c)) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
  }
  return result;
}

Error invalid(const std::string& path, const std::string& why) {
  Error error("cgroups path " + sys::quote(path) + " " + why, ErrorKind::invalid_config);
  error.at("/linux/cgroupsPath");
  return error;
}

SystemdUnit checked(SystemdUnit unit, const std::string& path) {
  if (!slice_directory(unit.slice)) throw invalid(path, "names no slice: " + sys::quote(unit.slice));
  if (unit.is_slice() && (unit.name == "-.slice" || !slice_directory(unit.name)))
    throw invalid(path, "names no slice: " + sys::quote(unit.name));
  if (unit.name.size() > longest_name)
    throw invalid(path, "makes a unit name of more than " + std::to_string(longest_name) + " bytes");
  return unit;
}

}  // namespace

bool SystemdUnit::is_slice() const {
  return ends_with(name, slice_suffix);
}

std::optional<std::string> slice_directory(std::string_view slice) {
  if (slice == "-.slice") return "";
  if (!ends_with(slice, slice_suffix)) return std::nullopt;
  const std::string_view stem = slice.substr(0, slice.size() - slice_suffix.size());
  if (!std::all_of(stem.begin(), stem.end(), is_name_character)) return std::nullopt;
  std::string directory, prefix;
  for (const std::string& part : sys::split(stem, '-')) {
    if (part.empty()) return std::nullopt;  // "-a", "a-", "a--b", ""
    prefix += prefix.empty() ? part : "-" + part;
    directory.append("/").append(prefix).append(slice_suffix);
  }
  return directory;
}

std::string unit_directory(const SystemdUnit& unit) {
  if (unit.is_slice()) return slice_directory(unit.name).value_or("");
  return slice_directory(unit.slice).value_or("") + "/" + unit.name;
}

SystemdUnit unit_of(const std::optional<std::string>& cgroups_path, const std::string& id,
                    bool user_manager) {
  const std::string path = cgroups_path && !cgroups_path->empty() ? *cgroups_path : ":ocx:" + id;
  if (path.find('\0') != std::string::npos) throw invalid(path, "contains a NUL byte");
  const std::vector<std::string> parts = sys::split(path, ':');
  if (parts.size() != 3)
    throw invalid(path, "is not of the form slice:prefix:name, which --systemd-cgroup needs")
        .hint("write it so, or use --cgroup-manager cgroupfs");
  if (parts[2].empty()) throw invalid(path, "names no unit");
  SystemdUnit unit;
  unit.slice = !parts[0].empty() ? parts[0] : user_manager ? "user.slice" : "system.slice";
  if (ends_with(parts[2], slice_suffix))
    unit.name = parts[2];
  else
    unit.name = escape(parts[1].empty() ? parts[2] : parts[1] + "-" + parts[2]) + ".scope";
  return checked(unit, path);
}

std::string system_manager_cgroup(std::string_view init_cgroup) {
  if (ends_with(init_cgroup, init_scope)) init_cgroup.remove_suffix(init_scope.size());
  return init_cgroup == "/" ? "" : std::string(init_cgroup);
}

std::string user_manager_cgroup(std::string_view own_cgroup, unsigned uid) {
  constexpr std::string_view begin = "/user@", end = ".service";
  const std::size_t at = own_cgroup.find(begin);
  const std::size_t stop = at == std::string_view::npos ? at : own_cgroup.find('/', at + 1);
  if (at != std::string_view::npos && ends_with(own_cgroup.substr(0, stop), end))
    return std::string(own_cgroup.substr(0, stop));
  const std::string number = std::to_string(uid);
  return "/user.slice/user-" + number + ".slice/user@" + number + ".service";
}

}  // namespace ocx::cgroups
