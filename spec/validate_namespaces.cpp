// config-linux.md, "Namespaces", "User namespace mappings", and what each setting needs a namespace of its
// own for.
#include <algorithm>

#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "spec/validate_sysctl.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

// UID_GID_MAP_MAX_EXTENTS.
constexpr std::size_t most_mappings = 340;

void validate_list(const std::vector<Namespace>& namespaces) {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < namespaces.size(); ++i) {
    const Namespace& ns = namespaces[i];
    const std::string base = pointer("/linux/namespaces", i);
    if (seen & ns.flag)
      throw broken(
          "namespace type \"" + std::string(name_of(namespace_types, ns.flag)) + "\" is listed twice",
          pointer(base, {"type"}))
          .hint("remove one entry");
    seen |= ns.flag;
    if (!ns.path.empty()) check_absolute(ns.path, "a namespace's path", pointer(base, {"path"}));
  }
}

// Without a namespace of the container's own, these would change the host.
void need(const Linux& linux, std::uint64_t flag, std::string_view setting, std::string_view origin) {
  if (linux.find(flag) != nullptr) return;
  const std::string type(name_of(namespace_types, flag));
  throw broken(std::string(setting) + " needs the container's own " + type + " namespace", origin)
      .hint("add {\"type\": \"" + type + "\"} to /linux/namespaces");
}

void validate_map_for_init(const std::vector<IdMapping>& map, std::string_view name) {
  const std::string base = pointer("/linux", {name});
  if (map.empty())
    throw broken("a new user namespace needs " + std::string(name), base)
        .hint("such as [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}]");
  if (!maps_id(map, 0))
    throw broken("id 0 of the container is not mapped, and the set-up runs as it", base)
        .hint("add a mapping with \"containerID\": 0");
}

void check_mapped(const std::vector<IdMapping>& map, std::uint32_t id, const std::string& origin) {
  if (!maps_id(map, id))
    throw broken("id " + std::to_string(id) + " is not mapped in the user namespace", origin)
        .hint("extend the mappings in /linux to it");
}

void validate_user_mapped(const Config& config) {
  if (!config.process || config.linux.uid_mappings.empty() || config.linux.gid_mappings.empty()) return;
  const User& user = config.process->user;
  check_mapped(config.linux.uid_mappings, user.uid, "/process/user/uid");
  check_mapped(config.linux.gid_mappings, user.gid, "/process/user/gid");
  for (std::size_t i = 0; i < user.additional_gids.size(); ++i)
    check_mapped(config.linux.gid_mappings, user.additional_gids[i],
                 pointer("/process/user/additionalGids", i));
}

// Mappings beside a path are compared with the namespace's when it is opened, not here.
void validate_user_namespace(const Config& config) {
  const Linux& linux = config.linux;
  check_id_map(linux.uid_mappings, "/linux/uidMappings");
  check_id_map(linux.gid_mappings, "/linux/gidMappings");
  if (!linux.uid_mappings.empty()) need(linux, CLONE_NEWUSER, "uidMappings", "/linux/uidMappings");
  if (!linux.gid_mappings.empty()) need(linux, CLONE_NEWUSER, "gidMappings", "/linux/gidMappings");
  if (const Namespace* user = linux.find(CLONE_NEWUSER); user != nullptr && user->path.empty()) {
    validate_map_for_init(linux.uid_mappings, "uidMappings");
    validate_map_for_init(linux.gid_mappings, "gidMappings");
  }
  validate_user_mapped(config);
}

// time_namespaces(7): offsets can be written until the first process enters, so never to a namespace that is
// joined.
void validate_time_namespace(const Linux& linux) {
  if (linux.time_offsets.empty()) return;
  need(linux, CLONE_NEWTIME, "timeOffsets", "/linux/timeOffsets");
  if (!linux.find(CLONE_NEWTIME)->path.empty())
    throw broken("the offsets of a time namespace that is joined by path are fixed", "/linux/timeOffsets")
        .hint("remove timeOffsets, or the namespace's path");
}

void validate_mount_namespace(const Linux& linux) {
  if (!linux.masked_paths.empty()) need(linux, CLONE_NEWNS, "maskedPaths", "/linux/maskedPaths");
  if (!linux.readonly_paths.empty()) need(linux, CLONE_NEWNS, "readonlyPaths", "/linux/readonlyPaths");
  if (linux.rootfs_propagation != RootfsPropagation::unset)
    need(linux, CLONE_NEWNS, "rootfsPropagation", "/linux/rootfsPropagation");
}

}  // namespace

void validate_namespaces(const Config& config) {
  const Linux& linux = config.linux;
  validate_list(linux.namespaces);
  validate_user_namespace(config);
  validate_time_namespace(linux);
  validate_mount_namespace(linux);
  if (config.hostname) need(linux, CLONE_NEWUTS, "hostname", "/hostname");
  if (config.domainname) need(linux, CLONE_NEWUTS, "domainname", "/domainname");
  if (!linux.net_devices.empty()) need(linux, CLONE_NEWNET, "netDevices", "/linux/netDevices");
  validate_sysctl(linux);
}

bool maps_id(const std::vector<IdMapping>& map, std::uint32_t id) {
  return std::any_of(map.begin(), map.end(), [id](const IdMapping& mapping) {
    return id >= mapping.container_id && id - mapping.container_id < mapping.size;
  });
}

namespace {

// map_write() of the kernel: an extent holds at least one id and ends below 2^32 - 1.
void check_extent(const IdMapping& mapping, const std::string& base) {
  if (mapping.size == 0) throw broken("the mapping has size 0", pointer(base, {"size"}));
  const std::uint64_t end = std::uint64_t{std::max(mapping.container_id, mapping.host_id)} + mapping.size;
  if (end > 0xffffffff)
    throw broken("the mapping goes beyond the last id, 4294967294", pointer(base, {"size"}));
}

void check_overlap(const std::vector<IdMapping>& map, std::uint32_t IdMapping::*first,
                   std::string_view member, std::string_view base) {
  std::vector<std::size_t> order(map.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return map[a].*first < map[b].*first; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const IdMapping& lower = map[order[i - 1]];
    const std::size_t other = std::max(order[i - 1], order[i]);
    if (map[order[i]].*first - lower.*first < lower.size)
      throw broken("the mapping overlaps another one", pointer(pointer(base, other), {member}));
  }
}

}  // namespace

void check_id_map(const std::vector<IdMapping>& map, std::string_view base) {
  if (map.size() > most_mappings)
    throw broken(std::to_string(map.size()) + " mappings are more than the 340 that Linux takes", base);
  for (std::size_t i = 0; i < map.size(); ++i) check_extent(map[i], pointer(base, i));
  check_overlap(map, &IdMapping::container_id, "containerID", base);
  check_overlap(map, &IdMapping::host_id, "hostID", base);
}

}  // namespace ocx::spec
