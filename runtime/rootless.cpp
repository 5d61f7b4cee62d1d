#include "runtime/rootless.hpp"

#include <linux/capability.h>
#include <sched.h>

#include <algorithm>

#include "sys/capture.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::uint64_t all_ids = 1ULL << 32U;
constexpr std::size_t longest_file = 4U << 20U;
constexpr std::size_t most_ranges = 300;  // user_namespaces(7): a map has at most 340 lines

/// "" for a file that can't be read, or is absurdly long.
std::string text_of(const char* path) {
  try {
    return sys::read_file_if_any(sys::FdRef::cwd(), path, longest_file).value_or("");
  } catch (const Error& error) {
    sys::log_debug(std::string(error.what()) + ", doing without");
    return "";
  }
}

bool overlap(std::uint64_t first, std::uint64_t count, std::uint64_t other, std::uint64_t others) {
  return first < other + others && other < first + count;
}

std::optional<IdRange> parse_range(const std::string& first, const std::string& count) {
  const auto from = sys::parse_uint(first), size = sys::parse_uint(count);
  if (!from || !size || *size == 0 || *from >= all_ids || *size >= all_ids - *from) return std::nullopt;
  return IdRange{static_cast<std::uint32_t>(*from), static_cast<std::uint32_t>(*size)};
}

bool is_mapped(const std::vector<spec::IdMapping>& maps, std::uint64_t id) {
  return std::any_of(maps.begin(), maps.end(),
                     [id](const spec::IdMapping& map) { return overlap(id, 1, map.container_id, map.size); });
}

void note_subordinate_ids(HostFacts& host) {
  if (sys::find_program("newuidmap").empty() || sys::find_program("newgidmap").empty())
    return sys::log_debug("newuidmap and newgidmap are not installed: one id can be mapped");
  const std::string name = login_name(text_of("/etc/passwd"), host.euid).value_or("");
  host.subordinate_uids = parse_subordinate_ids(text_of("/etc/subuid"), name, host.euid, host.euid);
  host.subordinate_gids = parse_subordinate_ids(text_of("/etc/subgid"), name, host.euid, host.egid);
  if (host.subordinate_uids.empty() || host.subordinate_gids.empty())
    sys::log_debug("/etc/subuid and /etc/subgid give no ids to uid " + std::to_string(host.euid) + " " +
                   sys::quote(name) + ": one id can be mapped");
}

bool is_privileged(const HostFacts& host) {
  return host.euid == 0 || (host.permitted_capabilities >> CAP_SYS_ADMIN & 1U) != 0;
}

std::vector<spec::IdMapping> map_all(std::uint32_t own, const std::vector<IdRange>& ranges) {
  std::vector<spec::IdMapping> maps{{0, own, 1}};
  std::uint64_t next = 1;
  for (const IdRange& range : ranges) {
    if (next + range.count > all_ids - 1) break;
    maps.push_back({static_cast<std::uint32_t>(next), range.first, range.count});
    next += range.count;
  }
  return maps;
}

/// What is mapped where the new file system will be made; nothing: all ids, or it can't be known.
const std::vector<spec::IdMapping>* maps_in_force(const PlanInput& in, bool user) {
  const spec::Linux& linux = in.config.linux;
  if (in.makes(CLONE_NEWUSER)) return user ? &linux.uid_mappings : &linux.gid_mappings;
  if (in.own(CLONE_NEWUSER)) return nullptr;
  const auto& own = user ? in.host.uid_maps : in.host.gid_maps;
  return own.empty() ? nullptr : &own;
}

std::optional<std::uint64_t> id_option(const std::string& text) {
  if (!text.starts_with("uid=") && !text.starts_with("gid=")) return std::nullopt;
  return sys::parse_uint(std::string_view(text).substr(4));
}

bool is_unmapped(const PlanInput& in, const std::string& option) {
  const auto id = id_option(option);
  const auto* maps = id ? maps_in_force(in, option[0] == 'u') : nullptr;
  return maps != nullptr && !is_mapped(*maps, *id);
}

std::uint32_t first_id(const std::vector<spec::IdMapping>& maps, std::uint32_t wanted) {
  if (maps.empty() || is_mapped(maps, 0)) return 0;
  return is_mapped(maps, wanted) ? wanted : maps.front().container_id;
}

}  // namespace

std::optional<std::string> login_name(std::string_view passwd, uid_t uid) {
  const std::string number = std::to_string(uid);
  for (const std::string& line : sys::split(passwd, '\n')) {
    const std::vector<std::string> fields = sys::split(line, ':');
    if (fields.size() > 2 && !fields[0].empty() && fields[2] == number) return fields[0];
  }
  return std::nullopt;
}

std::vector<IdRange> parse_subordinate_ids(std::string_view text, const std::string& name, uid_t uid,
                                           std::uint32_t own) {
  const std::string number = std::to_string(uid);
  std::vector<IdRange> ranges;
  for (const std::string& line : sys::split(text, '\n')) {
    const std::vector<std::string> fields = sys::split(line, ':');
    if (fields.size() != 3 || (fields[0] != number && (name.empty() || fields[0] != name))) continue;
    const auto range = parse_range(fields[1], fields[2]);
    const auto meets = [&](const IdRange& other) {
      return overlap(range->first, range->count, other.first, other.count);
    };
    if (!range || meets({own, 1}) || std::any_of(ranges.begin(), ranges.end(), meets)) continue;
    ranges.push_back(*range);
    if (ranges.size() == most_ranges) break;
  }
  return ranges;
}

std::vector<spec::IdMapping> parse_id_map(std::string_view text) {
  std::vector<spec::IdMapping> maps;
  for (const std::string& line : sys::split(text, '\n')) {
    std::vector<std::uint32_t> numbers;
    for (const std::string& word : sys::split(line, ' '))
      if (const auto number = sys::parse_uint(word); number && *number < all_ids)
        numbers.push_back(static_cast<std::uint32_t>(*number));
    if (numbers.size() == 3) maps.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return maps;
}

void note_ids(HostFacts& host) {
  if (host.in_user_namespace) {
    host.uid_maps = parse_id_map(text_of("/proc/self/uid_map"));
    host.gid_maps = parse_id_map(text_of("/proc/self/gid_map"));
  }
  if (!is_privileged(host)) note_subordinate_ids(host);
}

bool lacks_user_namespace(const spec::Config& config, const HostFacts& host) {
  return !is_privileged(host) && config.linux.find(CLONE_NEWUSER) == nullptr;
}

spec::Config with_user_namespace(const spec::Config& config, const HostFacts& host) {
  spec::Config out = config;
  out.linux.namespaces.push_back({CLONE_NEWUSER, ""});
  if (!host.subordinate_uids.empty() && !host.subordinate_gids.empty()) {
    out.linux.uid_mappings = map_all(host.euid, host.subordinate_uids);
    out.linux.gid_mappings = map_all(host.egid, host.subordinate_gids);
  } else {
    const spec::User user = config.process ? config.process->user : spec::User{};
    out.linux.uid_mappings = {{user.uid, host.euid, 1}};
    out.linux.gid_mappings = {{user.gid, host.egid, 1}};
  }
  return out;
}

void settle_mount_ids(const PlanInput& in, step::Mount& mount) {
  if (mount.kind != step::Mount::Kind::filesystem) return;
  std::vector<spec::MountOptions::Data> kept;
  for (spec::MountOptions::Data& option : mount.options.data) {
    const bool unmapped = is_unmapped(in, option.text);
    if (unmapped && mount.type == "devpts" && option.text == "gid=5" && !in.maps_configured) continue;
    if (unmapped)
      throw Error("mount of " + sys::quote(mount.type) + " on " + sys::quote(mount.target) + ": " +
                      sys::quote(option.text) + " is not mapped in the container's user namespace",
                  ErrorKind::invalid_config)
          .at(pointer(mount.origin + "/options", option.index))
          .hint("use a mapped id, or map more: /etc/subuid and /etc/subgid give an unprivileged user ids");
    kept.push_back(std::move(option));
  }
  mount.options.data = std::move(kept);
}

step::BecomeRoot first_identity(const PlanInput& in) {
  if (!in.makes(CLONE_NEWUSER)) return {};
  const spec::User user = in.config.process ? in.config.process->user : spec::User{};
  return {first_id(in.config.linux.uid_mappings, user.uid), first_id(in.config.linux.gid_mappings, user.gid)};
}

}  // namespace ocx::runtime
