// Kernel documents admin-guide/cgroup-v1/{memory,blkio-controller,hugetlb,net_cls,net_prio}.rst and
// scheduler/sched-bwc.rst, sched-rt-group.rst.
#include "cgroups/settings_parts.hpp"

namespace ocx::cgroups {
namespace {

using Missing = Setting::Missing;

void append_memory_limit(Settings& out, const char* file, const std::optional<std::int64_t>& value,
                         const char* property) {
  if (!is_given(value)) return;
  out.push_back(
      {"memory", file, std::to_string(*value), origin_of(property), false, unless_default(*value == -1)});
}

/// The kernel wants limit <= memsw at every moment.
void append_memory_and_swap(Settings& out, const spec::MemoryLimits& memory) {
  const std::size_t before = out.size();
  append_memory_limit(out, "memory.limit_in_bytes", memory.limit, "memory/limit");
  append_memory_limit(out, "memory.memsw.limit_in_bytes", memory.swap, "memory/swap");
  if (memory.limit == -1 && !is_given(memory.swap))
    append_memory_limit(out, "memory.memsw.limit_in_bytes", memory.limit, "memory/limit");
  for (std::size_t i = before; i < out.size(); ++i) out[i].group = "memory and swap";
}

/// Kernels from 5.16 on take this limit without effect, or have no such file; the specification advises
/// against it, and kernel memory counts as memory anyhow.
void append_kernel_memory(Settings& out, const char* file, const std::optional<std::int64_t>& value,
                          const char* property) {
  append_memory_limit(out, file, value, property);
  if (is_given(value) && *value != -1) out.back().missing = Missing::warn;
}

void append_bandwidth(Settings& out, const spec::CpuLimits& cpu) {
  const auto add = [&](const char* file, std::string value, const char* property, bool is_default) {
    out.push_back({"cpu", file, std::move(value), origin_of(property), false, unless_default(is_default)});
    out.back().group = "cpu bandwidth";
  };
  if (is_given(cpu.period)) add("cpu.cfs_period_us", std::to_string(*cpu.period), "cpu/period", false);
  if (is_given(cpu.quota)) add("cpu.cfs_quota_us", std::to_string(*cpu.quota), "cpu/quota", *cpu.quota == -1);
  if (cpu.burst) add("cpu.cfs_burst_us", std::to_string(*cpu.burst), "cpu/burst", *cpu.burst == 0);
}

void append_realtime(Settings& out, const spec::CpuLimits& cpu) {
  const auto add = [&](const char* file, std::string value, const char* property) {
    out.push_back({"cpu", file, std::move(value), origin_of(property)});
    out.back().group = "real-time bandwidth";
    out.back().in_parents = true;  // a new cgroup has none, and can give its children no more
  };
  if (is_given(cpu.realtime_period))
    add("cpu.rt_period_us", std::to_string(*cpu.realtime_period), "cpu/realtimePeriod");
  if (is_given(cpu.realtime_runtime))
    add("cpu.rt_runtime_us", std::to_string(*cpu.realtime_runtime), "cpu/realtimeRuntime");
}

void append_weight(Settings& out, const std::string& name, const std::string& value, std::string origin) {
  out.push_back({"blkio", "blkio.bfq." + name, value, std::move(origin)});
  out.back().other_file = "blkio." + name;  // of the CFQ scheduler, up to Linux 4.20
  out.back().other_value = value;
}

void append_device_weights(Settings& out, const std::vector<spec::WeightDevice>& devices) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const std::string origin = origin_of("blockIO/weightDevice", std::to_string(i));
    const std::string key = device_key(devices[i]) + " ";
    if (devices[i].weight) {
      append_weight(out, "weight_device", key + std::to_string(*devices[i].weight), origin + "/weight");
      out.back().keyed = true;
    }
    if (devices[i].leaf_weight) {
      out.push_back({"blkio", "blkio.leaf_weight_device", key + std::to_string(*devices[i].leaf_weight),
                     origin + "/leafWeight"});
      out.back().keyed = true;
    }
  }
}

void append_throttles(Settings& out, const char* file, const std::vector<spec::ThrottleDevice>& devices,
                      const char* property) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    out.push_back({"blkio", std::string("blkio.throttle.") + file,
                   device_key(devices[i]) + " " + std::to_string(devices[i].rate),
                   origin_of(property, std::to_string(i))});
    out.back().keyed = true;
  }
}

}  // namespace

void append_v1_memory(Settings& out, const spec::MemoryLimits& memory) {
  // false asks for nothing: Linux 5.11 took the choice away, and true is what it left.
  if (memory.use_hierarchy.value_or(false))
    out.push_back(
        {"memory", "memory.use_hierarchy", "1", origin_of("memory/useHierarchy"), false, Missing::skip});
  // checkBeforeUpdate: v1 kernels refuse a limit that is in use, EBUSY.
  append_memory_and_swap(out, memory);
  append_memory_limit(out, "memory.soft_limit_in_bytes", memory.reservation, "memory/reservation");
  append_kernel_memory(out, "memory.kmem.limit_in_bytes", memory.kernel, "memory/kernel");
  append_kernel_memory(out, "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp, "memory/kernelTCP");
  if (memory.swappiness)
    out.push_back(
        {"memory", "memory.swappiness", std::to_string(*memory.swappiness), origin_of("memory/swappiness")});
  if (memory.disable_oom_killer)
    out.push_back({"memory", "memory.oom_control", *memory.disable_oom_killer ? "1" : "0",
                   origin_of("memory/disableOOMKiller"), false, unless_default(!*memory.disable_oom_killer)});
}

void append_v1_cpu(Settings& out, const spec::CpuLimits& cpu) {
  // An idle cgroup takes no shares.
  if (is_given(cpu.shares))
    out.push_back({"cpu", "cpu.shares", std::to_string(*cpu.shares), origin_of("cpu/shares")});
  if (is_given(cpu.shares)) out.back().group = "cpu weight";
  if (cpu.idle)
    out.push_back({"cpu", "cpu.idle", std::to_string(*cpu.idle), origin_of("cpu/idle"), false,
                   unless_default(*cpu.idle == 0)});
  if (cpu.idle) out.back().group = "cpu weight";
  append_bandwidth(out, cpu);
  append_realtime(out, cpu);
}

void append_v1_block_io(Settings& out, const spec::BlockIo& io) {
  if (is_given(io.weight))
    append_weight(out, "weight", std::to_string(*io.weight), origin_of("blockIO/weight"));
  if (is_given(io.leaf_weight))
    out.push_back(
        {"blkio", "blkio.leaf_weight", std::to_string(*io.leaf_weight), origin_of("blockIO/leafWeight")});
  append_device_weights(out, io.weight_device);
  append_throttles(out, "read_bps_device", io.throttle_read_bps, "blockIO/throttleReadBpsDevice");
  append_throttles(out, "write_bps_device", io.throttle_write_bps, "blockIO/throttleWriteBpsDevice");
  append_throttles(out, "read_iops_device", io.throttle_read_iops, "blockIO/throttleReadIOPSDevice");
  append_throttles(out, "write_iops_device", io.throttle_write_iops, "blockIO/throttleWriteIOPSDevice");
}

void append_v1_hugepages(Settings& out, const std::vector<spec::HugepageLimit>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const std::string file = "hugetlb." + limits[i].page_size, value = std::to_string(limits[i].limit);
    const std::string origin = origin_of("hugepageLimits", std::to_string(i));
    out.push_back({"hugetlb", file + ".limit_in_bytes", value, origin});
    // Reservations are counted from Linux 5.7 on.
    out.push_back({"hugetlb", file + ".rsvd.limit_in_bytes", value, origin, false, Missing::skip});
  }
}

void append_v1_classes(Settings& out, const spec::NetworkLimits& network) {
  if (network.class_id)
    out.push_back({"net_cls", "net_cls.classid", std::to_string(*network.class_id),
                   origin_of("network/classID"), false, unless_default(*network.class_id == 0)});
}

void append_v1_priorities(Settings& out, const spec::NetworkLimits& network) {
  for (std::size_t i = 0; i < network.priorities.size(); ++i) {
    const spec::InterfacePriority& entry = network.priorities[i];
    out.push_back({"net_prio", "net_prio.ifpriomap", entry.name + " " + std::to_string(entry.priority),
                   origin_of("network/priorities", std::to_string(i)), false,
                   unless_default(entry.priority == 0)});
    out.back().keyed = true;
  }
}

}  // namespace ocx::cgroups
