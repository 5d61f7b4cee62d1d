// `linux.resources` (config-linux.md, "Control groups"). Absent properties stay untouched in the kernel.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ocx::spec {

struct DeviceRule {
  bool allow = false;
  char type = 'a';                           // a, b or c
  std::optional<std::int64_t> major, minor;  // absent: any
  bool read = false, write = false, mknod = false;
};

struct MemoryLimits {
  std::optional<std::int64_t> limit, reservation, swap, kernel, kernel_tcp;  // bytes, -1 = no limit
  std::optional<std::uint64_t> swappiness;
  std::optional<bool> disable_oom_killer, use_hierarchy;
  bool check_before_update = false;
};

struct CpuLimits {
  std::optional<std::uint64_t> shares, burst, period, realtime_period;  // times in microseconds
  std::optional<std::int64_t> quota, realtime_runtime, idle;
  std::optional<std::string> cpus, mems;
};

struct WeightDevice {
  std::int64_t major = 0, minor = 0;
  std::optional<std::uint16_t> weight, leaf_weight;
};

struct ThrottleDevice {
  std::int64_t major = 0, minor = 0;
  std::uint64_t rate = 0;
};

struct BlockIo {
  std::optional<std::uint16_t> weight, leaf_weight;
  std::vector<WeightDevice> weight_device;
  std::vector<ThrottleDevice> throttle_read_bps, throttle_write_bps, throttle_read_iops, throttle_write_iops;
};

struct HugepageLimit {
  std::string page_size;
  std::uint64_t limit = 0;
};

struct InterfacePriority {
  std::string name;
  std::uint32_t priority = 0;
};

struct NetworkLimits {
  std::optional<std::uint32_t> class_id;
  std::vector<InterfacePriority> priorities;
};

struct RdmaLimit {
  std::optional<std::uint32_t> hca_handles, hca_objects;
};

struct Resources {
  // In parse_resources.cpp, for the same reason as those of Config.
  Resources();
  ~Resources();
  Resources(const Resources&);
  Resources(Resources&&) noexcept;
  Resources& operator=(const Resources&);
  Resources& operator=(Resources&&) noexcept;

  std::vector<DeviceRule> devices;
  std::optional<MemoryLimits> memory;
  std::optional<CpuLimits> cpu;
  std::optional<std::int64_t> pids_limit;
  bool has_pids = false;  // `pids: {}` without a limit
  std::optional<BlockIo> block_io;
  std::vector<HugepageLimit> hugepage_limits;
  std::optional<NetworkLimits> network;
  std::map<std::string, RdmaLimit> rdma;
  std::map<std::string, std::string> unified;
};

}  // namespace ocx::spec
