#include "spec/passwd.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

using Fields = std::vector<std::string>;

/// The first line with that many fields that the test accepts.
std::optional<Fields> find_line(std::string_view file, std::size_t fields,
                                const std::function<bool(const Fields&)>& test) {
  for (const std::string& line : sys::split(file, '\n')) {
    Fields parts = sys::split(line, ':');
    if (parts.size() >= fields && test(parts)) return parts;
  }
  return std::nullopt;
}

/// 4294967295 is (uid_t)-1, "no id".
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = sys::parse_uint(text);
  if (!number || *number >= 0xffffffffU) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

bool is_number(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint32_t id_in(const std::string& text, const char* what) {
  if (const auto id = parse_id(text)) return *id;
  throw Error(std::string("the image's ") + what + " has no id in it, but " + sys::quote(text));
}

std::uint32_t number_id(const std::string& text, const char* what) {
  if (const auto id = parse_id(text)) return *id;
  throw Error(std::string(what) + " " + sys::quote(text) + " is no id: 0 to 4294967294");
}

[[noreturn]] void refuse_name(const char* what, const std::string& name, const char* file) {
  throw Error(std::string("there is no ") + what + " " + sys::quote(name) + " in the image's " + file)
      .hint("choose another with --user, by number for one");
}

std::uint32_t find_group(const std::string& name, std::string_view group) {
  if (is_number(name)) return number_id(name, "group");
  const auto line = find_line(group, 3, [&](const Fields& fields) { return fields[0] == name; });
  if (!line) refuse_name("group", name, "/etc/group");
  return id_in((*line)[2], "/etc/group");
}

std::vector<std::uint32_t> groups_of(const std::string& name, std::uint32_t own, std::string_view group) {
  std::vector<std::uint32_t> gids;
  find_line(group, 4, [&](const Fields& fields) {
    const Fields members = sys::split(fields[3], ',');
    const auto gid = parse_id(fields[2]);
    const bool is_member = std::find(members.begin(), members.end(), name) != members.end();
    if (is_member && gid && *gid != own && std::find(gids.begin(), gids.end(), *gid) == gids.end())
      gids.push_back(*gid);
    return false;
  });
  return gids;
}

}  // namespace

UserIds find_user(std::string_view text, std::string_view passwd, std::string_view group) {
  const std::size_t colon = text.find(':');
  const std::string user = text.empty() ? "0" : std::string(text.substr(0, colon));
  const bool has_group = colon != std::string_view::npos && colon + 1 < text.size();
  if (user.empty()) throw Error("user " + sys::quote(text) + " has no name and no number");
  const bool by_number = is_number(user);
  UserIds ids;
  if (by_number) ids.uid = number_id(user, "user");
  const auto line = find_line(passwd, 4, [&](const Fields& fields) {
    return by_number ? parse_id(fields[2]) == ids.uid : fields[0] == user;
  });
  if (!line && !by_number) refuse_name("user", user, "/etc/passwd");
  if (line && !by_number) ids.uid = id_in((*line)[2], "/etc/passwd");
  if (has_group) {
    ids.gid = find_group(std::string(text.substr(colon + 1)), group);
  } else if (line) {
    ids.gid = id_in((*line)[3], "/etc/passwd");
    ids.additional_gids = groups_of((*line)[0], ids.gid, group);
  }
  return ids;
}

}  // namespace ocx::spec
