// What a container uses, and the document that `events` prints of it: one line, in the shape that runc gave
// it and that containerd, Docker and others decode.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ocx::spec {

/// A limit that is none.
inline constexpr std::uint64_t unlimited = UINT64_MAX;
/// cgroup v1 says "no limit" with the largest number of whole pages.
constexpr bool is_limited(std::uint64_t limit) {
  return limit < (UINT64_MAX >> 2U);
}

/// Pressure stall information (kernel doc accounting/psi): how much of the time some, or all, waited for the
/// resource, in percent over 10, 60 and 300 seconds; microseconds in all.
struct PressureLine {
  double avg10 = 0, avg60 = 0, avg300 = 0;
  std::uint64_t total = 0;
};
struct Pressure {
  PressureLine some, full;
};

/// Nanoseconds.
struct CpuStats {
  std::uint64_t total = 0, kernel = 0, user = 0;
  std::vector<std::uint64_t> percpu, percpu_kernel, percpu_user;  // v1
  std::uint64_t periods = 0, throttled_periods = 0, throttled_time = 0;
  std::optional<Pressure> pressure;
};

struct CpusetStats {
  std::vector<unsigned> cpus, mems;
  // v1:
  std::uint64_t cpu_exclusive = 0, mem_hardwall = 0, mem_exclusive = 0, memory_migrate = 0,
                memory_spread_page = 0, memory_spread_slab = 0, memory_pressure = 0, sched_load_balance = 0;
  std::int64_t sched_relax_domain_level = 0;
};

/// Bytes, and how often the limit was hit.
struct MemoryFigure {
  std::uint64_t limit = 0, usage = 0, max = 0, failcnt = 0;
};
struct MemoryStats {
  std::uint64_t cache = 0;
  MemoryFigure usage, swap /* memory and swap together */, kernel, kernel_tcp;
  std::map<std::string, std::uint64_t> raw;  // memory.stat
  std::optional<Pressure> pressure;
  /// Page cache that can be dropped at once, at no more cost than reading it again.
  std::uint64_t reclaimable = 0;
};

struct PidsStats {
  std::uint64_t current = 0;
  std::optional<std::uint64_t> limit;
};

struct BlockIoEntry {
  std::uint64_t major = 0, minor = 0;
  std::string operation;  // "Read", "Write", …; empty where the kernel tells only one figure
  std::uint64_t value = 0;
  bool operator==(const BlockIoEntry&) const = default;
};
struct BlockIoStats {
  using Entries = std::vector<BlockIoEntry>;
  Entries service_bytes, serviced;                                 // bytes, operations
  Entries queued, service_time, wait_time, merged, time, sectors;  // v1 with a scheduler that counts them
  std::optional<Pressure> pressure;
};

/// Bytes.
struct HugetlbStats {
  std::uint64_t usage = 0, max = 0, failcnt = 0;
};

/// Cache and memory bandwidth (kernel doc filesystems/resctrl); what the hardware lacks is absent.
struct IntelRdtStats {
  struct CacheInfo {
    std::string cbm_mask;
    std::uint64_t min_cbm_bits = 0, num_closids = 0;
  };
  struct BandwidthInfo {
    std::uint64_t bandwidth_gran = 0, delay_linear = 0, min_bandwidth = 0, num_closids = 0;
  };
  struct Bandwidth {
    std::uint64_t total_bytes = 0, local_bytes = 0;
  };
  std::optional<CacheInfo> l3_cache;
  std::optional<BandwidthInfo> memory_bandwidth;
  // Lines of `schemata`: of the root, and of the container's CLOS.
  std::string l3_root, l3, memory_bandwidth_root, memory_bandwidth_schema;
  // A cache each, in the order of their numbers.
  std::optional<std::vector<Bandwidth>> bandwidth_used;
  std::optional<std::vector<std::uint64_t>> cache_occupied;  // bytes
};

/// Everything that the container's cgroup tells; what its host has no controller for is absent.
struct Stats {
  std::optional<CpuStats> cpu;
  std::optional<CpusetStats> cpuset;
  std::optional<MemoryStats> memory;
  std::optional<PidsStats> pids;
  std::optional<BlockIoStats> block_io;
  std::map<std::string, HugetlbStats> hugetlb;  // "2MB"
  std::optional<IntelRdtStats> intel_rdt;
};

/// {"type":"stats","id":…,"data":…}, without a newline.
std::string write_stats_event(const std::string& id, const Stats& stats);
/// {"type":"oom","id":…}.
std::string write_oom_event(const std::string& id);

}  // namespace ocx::spec
