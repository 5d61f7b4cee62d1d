// Kernel document admin-guide/cgroup-v2.rst.
#include <optional>

#include "cgroups/conversions.hpp"
#include "cgroups/settings_parts.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

using Missing = Setting::Missing;

[[noreturn]] void refuse(const std::string& property, const std::string& origin, const char* remedy) {
  throw Error("cgroup v2 has nothing like " + property, ErrorKind::unsupported).at(origin).hint(remedy);
}

void refuse_if(bool set, const char* property, const char* remedy = "remove the setting") {
  if (!set) return;
  std::string name = property;
  for (char& c : name)
    if (c == '/') c = '.';
  refuse(name, origin_of(property), remedy);
}

void add(Settings& out, const char* controller, std::string file, std::string value, std::string origin,
         Missing missing = Missing::error) {
  out.push_back({controller, std::move(file), std::move(value), std::move(origin), true, missing});
}

/// v1 counts memory and swap together, v2 swap alone.
void append_swap(Settings& out, const spec::MemoryLimits& memory) {
  const std::string origin = origin_of("memory/swap");
  // Without the file there is no swap accounting: mostly for lack of swap, which is what 0 asks for.
  if (!is_given(memory.swap)) {
    if (memory.limit == -1)
      add(out, "memory", "memory.swap.max", "max", origin_of("memory/limit"), Missing::skip);
    return;
  }
  if (*memory.swap == -1) return add(out, "memory", "memory.swap.max", "max", origin, Missing::skip);
  if (!is_given(memory.limit) || *memory.limit == -1)
    throw Error(
        "cgroup v2 limits swap alone, and swap, the sum of memory and swap, comes without the memory limit",
        ErrorKind::unsupported)
        .at(origin)
        .hint("give memory.limit, too");
  const std::int64_t swap = *memory.swap - *memory.limit;
  if (swap < 0)
    throw Error("swap, the sum of memory and swap, is less than the memory limit", ErrorKind::invalid_config)
        .at(origin);
  add(out, "memory", "memory.swap.max", std::to_string(swap), origin, unless_default(swap == 0));
}

void append_max(Settings& out, const spec::CpuLimits& cpu) {
  if (is_given(cpu.quota)) {
    std::string value = number_or_max(*cpu.quota);
    if (is_given(cpu.period)) value += " " + std::to_string(*cpu.period);
    add(out, "cpu", "cpu.max", value, origin_of("cpu/quota"),
        unless_default(*cpu.quota == -1 && !is_given(cpu.period)));
  } else if (is_given(cpu.period)) {
    add(out, "cpu", "cpu.max", std::to_string(*cpu.period), origin_of("cpu/period"));
    out.back().keep_first_word = true;
  } else {
    return;
  }
  out.back().group = "cpu bandwidth";
}

/// BFQ counts as v1 did; the other controller of weights, iocost, has a scale of its own.
void append_io_weight(Settings& out, const std::string& key, std::uint64_t weight, std::string origin) {
  if (weight > 1000)
    throw Error("weight " + std::to_string(weight) + " is more than 1000", ErrorKind::invalid_config)
        .at(origin);
  add(out, "io", "io.bfq.weight", key + std::to_string(weight), std::move(origin));
  out.back().other_file = "io.weight";
  out.back().other_value = key + std::to_string(io_weight_from_block_io(weight));
  out.back().keyed = !key.empty();
}

void append_io_max(Settings& out, const char* key, const std::vector<spec::ThrottleDevice>& devices,
                   const char* property) {
  for (std::size_t i = 0; i < devices.size(); ++i) {
    // v1 takes a limit away with 0, which v2 refuses.
    const std::string rate = devices[i].rate == 0 ? "max" : std::to_string(devices[i].rate);
    add(out, "io", "io.max", device_key(devices[i]) + " " + key + "=" + rate,
        origin_of(property, std::to_string(i)), unless_default(devices[i].rate == 0));
    out.back().keyed = true;
  }
}

bool is_device_key(std::string_view word) {
  const std::size_t colon = word.find(':');
  return colon != std::string_view::npos && sys::parse_uint(word.substr(0, colon)) &&
         sys::parse_uint(word.substr(colon + 1));
}

/// Nested keyed files (cgroup-v2.rst, "Format") take a line at a time.
bool is_keyed(std::string_view file, std::string_view line) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return false;
  return is_device_key(line.substr(0, blank)) || file == "rdma.max" || file == "misc.max" ||
         file == "dmem.max" || file == "dmem.min" || file == "dmem.low";
}

void append_lines(Settings& out, const std::string& file, const std::string& value,
                  const std::string& origin) {
  const std::size_t dot = file.find('.');
  const std::string controller = file.substr(0, dot);
  const bool of_core = controller == "cgroup" || dot == std::string::npos;
  bool any = false;
  for (std::string& line : sys::split(value, '\n')) {
    if (line.empty()) continue;
    any = true;
    const bool keyed = is_keyed(file, line);
    add(out, of_core ? "" : controller.c_str(), file, std::move(line), origin);
    out.back().keyed = keyed;
  }
  // write(2) of nothing reaches no cgroup file; an empty line does.
  if (!any) add(out, of_core ? "" : controller.c_str(), file, "\n", origin);
}

}  // namespace

void append_v2_memory(Settings& out, const spec::MemoryLimits& memory) {
  // kernel, kernelTCP: see check_resources(). useHierarchy: v2 has nothing else.
  refuse_if(memory.swappiness.has_value(), "memory/swappiness");
  refuse_if(memory.disable_oom_killer.value_or(false), "memory/disableOOMKiller");
  // More swap before less memory: the other way round the kernel finds no place for what has to go.
  append_swap(out, memory);
  if (is_given(memory.limit)) {
    const bool unlimited = *memory.limit == -1;
    add(out, "memory", "memory.max", number_or_max(*memory.limit), origin_of("memory/limit"),
        unless_default(unlimited));
    if (memory.check_before_update && !unlimited) out.back().usage_file = "memory.current";
  }
  if (is_given(memory.reservation))
    add(out, "memory", "memory.low", number_or_max(*memory.reservation), origin_of("memory/reservation"),
        unless_default(*memory.reservation == -1));
}

void append_v2_cpu(Settings& out, const spec::CpuLimits& cpu) {
  refuse_if(is_given(cpu.realtime_period), "cpu/realtimePeriod");
  refuse_if(is_given(cpu.realtime_runtime), "cpu/realtimeRuntime");
  // An idle cgroup takes no weight.
  if (is_given(cpu.shares)) {
    add(out, "cpu", "cpu.weight", std::to_string(weight_from_shares(*cpu.shares)), origin_of("cpu/shares"));
    out.back().group = "cpu weight";
  }
  if (cpu.idle) {
    add(out, "cpu", "cpu.idle", std::to_string(*cpu.idle), origin_of("cpu/idle"),
        unless_default(*cpu.idle == 0));
    out.back().group = "cpu weight";
  }
  append_max(out, cpu);
  if (cpu.burst) {
    add(out, "cpu", "cpu.max.burst", std::to_string(*cpu.burst), origin_of("cpu/burst"),
        unless_default(*cpu.burst == 0));
    out.back().group = "cpu bandwidth";
  }
}

void append_v2_block_io(Settings& out, const spec::BlockIo& io) {
  const char* remedy = "remove the setting: the CFQ scheduler is gone from Linux 5.0 on";
  refuse_if(is_given(io.leaf_weight), "blockIO/leafWeight", remedy);
  if (is_given(io.weight)) append_io_weight(out, "", *io.weight, origin_of("blockIO/weight"));
  for (std::size_t i = 0; i < io.weight_device.size(); ++i) {
    const spec::WeightDevice& device = io.weight_device[i];
    const std::string origin = origin_of("blockIO/weightDevice", std::to_string(i));
    if (device.leaf_weight) refuse("blockIO.weightDevice.leafWeight", origin + "/leafWeight", remedy);
    if (device.weight) append_io_weight(out, device_key(device) + " ", *device.weight, origin + "/weight");
  }
  append_io_max(out, "rbps", io.throttle_read_bps, "blockIO/throttleReadBpsDevice");
  append_io_max(out, "wbps", io.throttle_write_bps, "blockIO/throttleWriteBpsDevice");
  append_io_max(out, "riops", io.throttle_read_iops, "blockIO/throttleReadIOPSDevice");
  append_io_max(out, "wiops", io.throttle_write_iops, "blockIO/throttleWriteIOPSDevice");
}

void append_v2_hugepages(Settings& out, const std::vector<spec::HugepageLimit>& limits) {
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const std::string file = "hugetlb." + limits[i].page_size, value = std::to_string(limits[i].limit);
    const std::string origin = origin_of("hugepageLimits", std::to_string(i));
    add(out, "hugetlb", file + ".max", value, origin);
    // Reservations are counted from Linux 5.7 on.
    add(out, "hugetlb", file + ".rsvd.max", value, origin, Missing::skip);
  }
}

void append_unified(Settings& out, const std::map<std::string, std::string>& unified,
                    const Versions& versions) {
  for (const auto& [file, value] : unified) {
    const std::string origin = origin_of("unified", file);
    if (!versions.pure_v2())
      throw Error("unified settings need cgroup v2, and this host has v1", ErrorKind::unsupported)
          .at(origin)
          .hint("use the other properties of resources");
    // It would name a file of another cgroup.
    if (file.find('/') != std::string::npos)
      throw Error("unified key " + sys::quote(file) + " contains a slash", ErrorKind::invalid_config)
          .at(origin);
    append_lines(out, file, value, origin);
  }
}

void refuse_v1_classes(const spec::NetworkLimits& network) {
  refuse_if(is_given(network.class_id), "network/classID", "use eBPF or nftables' cgroupv2 match instead");
}

void refuse_v1_priorities(const spec::NetworkLimits& network) {
  for (std::size_t i = 0; i < network.priorities.size(); ++i)
    if (network.priorities[i].priority != 0)
      refuse("network.priorities", origin_of("network/priorities", std::to_string(i)), "remove the setting");
}

}  // namespace ocx::cgroups
