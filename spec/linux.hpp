// The `linux` object of config.json (config-linux.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/resources.hpp"
#include "spec/seccomp.hpp"

namespace ocx::spec {

struct IdMapping {
  std::uint32_t container_id = 0, host_id = 0, size = 0;
  bool operator==(const IdMapping&) const = default;
};

struct Namespace {
  std::uint64_t flag = 0;  // CLONE_NEW*
  std::string path;        // empty: make a new one
};

struct TimeOffset {
  std::int64_t secs = 0;
  std::uint32_t nanosecs = 0;  // < 10^9
};

struct Device {
  char type = 'c';  // c, b, u or p
  std::string path;
  std::int64_t major = 0, minor = 0;
  std::optional<std::uint32_t> file_mode;  // permission bits only; S_IFMT bits of the document are dropped
  std::optional<std::uint32_t> uid, gid;   // ids inside the container
};

struct NetDevice {
  std::string name;  // empty: keep the host's
};

struct IntelRdt {
  std::optional<std::string> clos_id, l3_cache_schema, mem_bw_schema;
  std::vector<std::string> schemata;
  bool enable_monitoring = false;
};

struct MemoryPolicy {
  int mode = 0;  // MPOL_*
  std::string nodes;
  std::uint32_t flags = 0;  // MPOL_F_*
};

enum class PersonalityDomain { linux64, linux32 };

enum class RootfsPropagation { unset, shared, slave, private_, unbindable };

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::map<std::string, TimeOffset> time_offsets;  // "monotonic", "boottime"
  std::vector<Device> devices;
  std::map<std::string, NetDevice> net_devices;
  std::optional<std::string> cgroups_path;
  std::optional<Resources> resources;
  std::optional<IntelRdt> intel_rdt;
  std::optional<MemoryPolicy> memory_policy;
  std::optional<PersonalityDomain> personality;
  std::map<std::string, std::string> sysctl;
  RootfsPropagation rootfs_propagation = RootfsPropagation::unset;
  bool rootfs_propagation_recursive = false;  // the rshared … forms other runtimes accept
  std::vector<std::string> masked_paths, readonly_paths;
  std::string mount_label;
  std::optional<Seccomp> seccomp;

  /// The listed namespace of that CLONE_NEW* flag, or null when the container inherits the runtime's.
  const Namespace* find(std::uint64_t flag) const {
    for (const Namespace& ns : namespaces)
      if (ns.flag == flag) return &ns;
    return nullptr;
  }
};

}  // namespace ocx::spec
