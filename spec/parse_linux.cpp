// config-linux.md, all but control groups and seccomp.
#include "spec/parse_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr Named<char> device_types[] = {{"c", 'c'}, {"b", 'b'}, {"u", 'u'}, {"p", 'p'}};

std::vector<Namespace> read_namespaces(const Json& namespaces) {
  std::vector<Namespace> result;
  for (const Json& json : namespaces.elements()) {
    Namespace& ns = result.emplace_back();
    ns.flag = read_name(json.need("type"), namespace_types, "namespace type");
    json["path"].read(ns.path);
  }
  return result;
}

std::map<std::string, TimeOffset> read_time_offsets(const Json& offsets) {
  std::map<std::string, TimeOffset> result;
  for (const Json& json : offsets.members()) {
    TimeOffset& offset = result[json.key()];
    json["secs"].read(offset.secs);
    json["nanosecs"].read(offset.nanosecs);
  }
  return result;
}

// config-linux.md, "Devices": fileMode is permission bits, but Go programs send st_mode with the type in it.
std::optional<std::uint32_t> read_file_mode(const Json& json) {
  if (!json.present()) return std::nullopt;
  const std::uint32_t mode = json.get<std::uint32_t>() & ~0170000U;
  if (mode > 07777)
    throw json.error("file mode " + std::to_string(mode) + " is more than permission bits")
        .hint("JSON knows no octal numbers: 0666 is 438");
  return mode;
}

// mknod(2) takes 12 bits and 20 bits: more would make another device than the one that was asked for.
void read_device_number(const Json& json, Device& device) {
  if (device.type == 'p') return;
  device.major = json.need("major").integer(0, 0xfff);
  device.minor = json.need("minor").integer(0, 0xfffff);
}

std::vector<Device> read_devices(const Json& devices) {
  std::vector<Device> result;
  for (const Json& json : devices.elements()) {
    Device& device = result.emplace_back();
    device.type = read_name(json.need("type"), device_types, "device type");
    json.need("path").read(device.path);
    read_device_number(json, device);
    device.file_mode = read_file_mode(json["fileMode"]);
    json["uid"].read(device.uid);
    json["gid"].read(device.gid);
  }
  return result;
}

std::map<std::string, NetDevice> read_net_devices(const Json& devices) {
  std::map<std::string, NetDevice> result;
  for (const Json& json : devices.members()) json["name"].read(result[json.key()].name);
  return result;
}

IntelRdt read_intel_rdt(const Json& json) {
  IntelRdt rdt;
  rdt.clos_id = read_nonempty(json["closID"]);
  rdt.l3_cache_schema = read_nonempty(json["l3CacheSchema"]);
  rdt.mem_bw_schema = read_nonempty(json["memBwSchema"]);
  json["schemata"].read(rdt.schemata);
  json["enableMonitoring"].read(rdt.enable_monitoring);
  return rdt;
}

MemoryPolicy read_memory_policy(const Json& json) {
  MemoryPolicy policy;
  policy.mode = read_name(json.need("mode"), memory_policy_modes, "memory policy");
  json["nodes"].read(policy.nodes);
  policy.flags = read_flags(json["flags"], memory_policy_flags, "memory policy flag");
  return policy;
}

// config-linux.md, "Personality": flags are reserved, none is defined.
PersonalityDomain read_personality(const Json& json) {
  for (const Json& flag : json["flags"].elements())
    throw flag.error("unknown personality flag " + sys::quote(flag.string()))
        .hint("the specification defines none");
  return read_name(json.need("domain"), personality_domains, "personality");
}

void read_propagation(const Json& json, Linux& linux) {
  if (!json.present() || json.string().empty()) return;
  const PropagationMode mode = read_name(json, rootfs_propagations, "propagation");
  linux.rootfs_propagation = mode.type;
  linux.rootfs_propagation_recursive = mode.recursive;
}

void read_objects(const Json& json, Linux& linux) {
  if (const Json resources = json["resources"]; resources.present())
    linux.resources = read_resources(resources);
  if (const Json rdt = json["intelRdt"]; rdt.present()) linux.intel_rdt = read_intel_rdt(rdt);
  if (const Json policy = json["memoryPolicy"]; policy.present())
    linux.memory_policy = read_memory_policy(policy);
  if (const Json personality = json["personality"]; personality.present())
    linux.personality = read_personality(personality);
  if (const Json seccomp = json["seccomp"]; seccomp.present()) linux.seccomp = read_seccomp(seccomp);
}

}  // namespace

Linux read_linux(const Json& json) {
  Linux linux;
  linux.namespaces = read_namespaces(json["namespaces"]);
  linux.uid_mappings = read_id_mappings(json["uidMappings"]);
  linux.gid_mappings = read_id_mappings(json["gidMappings"]);
  linux.time_offsets = read_time_offsets(json["timeOffsets"]);
  linux.devices = read_devices(json["devices"]);
  linux.net_devices = read_net_devices(json["netDevices"]);
  linux.cgroups_path = read_nonempty(json["cgroupsPath"]);
  json["sysctl"].read(linux.sysctl);
  read_propagation(json["rootfsPropagation"], linux);
  json["maskedPaths"].read(linux.masked_paths);
  json["readonlyPaths"].read(linux.readonly_paths);
  json["mountLabel"].read(linux.mount_label);
  read_objects(json, linux);
  return linux;
}

}  // namespace ocx::spec
