// config-linux.md, "Control groups".
#include <algorithm>
#include <set>

#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

// With cgroup v1's counter memory+swap; 0 is how engines write "not set".
void validate_memory(const MemoryLimits& memory, const std::string& base) {
  const std::int64_t limit = memory.limit.value_or(0), swap = memory.swap.value_or(0);
  if (swap > 0 && limit > swap)
    throw broken("memory and swap together, " + std::to_string(swap) + ", are less than the memory limit, " +
                     std::to_string(limit),
                 pointer(base, {"swap"}))
        .hint("swap is the sum of both");
  if (swap > 0 && limit == -1)
    throw broken("swap is limited, but memory is not", pointer(base, {"swap"}))
        .hint("swap is the sum of both");
}

void check_list(const std::optional<std::string>& list, const std::string& origin) {
  if (list && !list->empty() && !is_number_list(*list))
    throw broken(sys::quote(*list) + " is no list of numbers", origin).hint("such as \"0-3,7\"");
}

void validate_cpu(const CpuLimits& cpu, const std::string& base) {
  const std::int64_t quota = cpu.quota.value_or(0), runtime = cpu.realtime_runtime.value_or(0);
  if (quota > 0 && cpu.burst.value_or(0) > static_cast<std::uint64_t>(quota))
    throw broken("the burst is larger than the quota, " + std::to_string(quota), pointer(base, {"burst"}));
  if (runtime > 0 && cpu.realtime_period && *cpu.realtime_period < static_cast<std::uint64_t>(runtime))
    throw broken("the real-time runtime is longer than its period", pointer(base, {"realtimeRuntime"}));
  check_list(cpu.cpus, pointer(base, {"cpus"}));
  check_list(cpu.mems, pointer(base, {"mems"}));
}

// 0 is how engines write "not set".
void check_weight(const std::optional<std::uint16_t>& weight, const std::string& origin) {
  if (!weight || *weight == 0 || (*weight >= 10 && *weight <= 1000)) return;
  throw broken("weight " + std::to_string(*weight) + " is out of range", origin).hint("from 10 to 1000");
}

void validate_block_io(const BlockIo& io, const std::string& base) {
  check_weight(io.weight, pointer(base, {"weight"}));
  for (std::size_t i = 0; i < io.weight_device.size(); ++i)
    check_weight(io.weight_device[i].weight, pointer(pointer(base + "/weightDevice", i), {"weight"}));
}

// The specification's ^[1-9][0-9]*[KMG]B$.
bool is_page_size(std::string_view text) {
  if (text.size() < 3 || !text.ends_with('B') || text.front() == '0') return false;
  if (std::string_view("KMG").find(text[text.size() - 2]) == std::string_view::npos) return false;
  text.remove_suffix(2);
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void validate_hugepages(const std::vector<HugepageLimit>& limits, const std::string& base) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const std::string origin = pointer(pointer(base, i), {"pageSize"});
    if (!is_page_size(limits[i].page_size))
      throw broken(sys::quote(limits[i].page_size) + " is no page size", origin)
          .hint("such as \"2MB\" or \"1GB\"");
    if (!seen.insert(limits[i].page_size).second)
      throw broken("page size " + limits[i].page_size + " is listed twice", origin);
  }
}

void validate_network(const NetworkLimits& network, const std::string& base) {
  for (std::size_t i = 0; i < network.priorities.size(); ++i)
    if (!is_interface_name(network.priorities[i].name))
      throw broken(sys::quote(network.priorities[i].name) + " is no name of a network interface",
                   pointer(pointer(base + "/priorities", i), {"name"}));
}

// The device is the first word of a line in rdma.max.
void validate_rdma(const std::map<std::string, RdmaLimit>& rdma, const std::string& base) {
  for (const auto& [device, limit] : rdma)
    if (device.empty() || device.find_first_of(" \t\n") != std::string::npos)
      throw broken(sys::quote(device) + " is no name of an RDMA device", pointer(base, {device}));
}

void validate_unified(const std::map<std::string, std::string>& unified, const std::string& base) {
  for (const auto& [file, value] : unified)
    if (file.empty() || file == "." || file == ".." || file.find('/') != std::string::npos)
      throw broken(sys::quote(file) + " is no name of a file in the cgroup", pointer(base, {file}))
          .hint("such as \"memory.high\"");
}

}  // namespace

void validate_resources(const Resources& resources, std::string_view base) {
  if (resources.memory) validate_memory(*resources.memory, pointer(base, {"memory"}));
  if (resources.cpu) validate_cpu(*resources.cpu, pointer(base, {"cpu"}));
  if (resources.block_io) validate_block_io(*resources.block_io, pointer(base, {"blockIO"}));
  validate_hugepages(resources.hugepage_limits, pointer(base, {"hugepageLimits"}));
  if (resources.network) validate_network(*resources.network, pointer(base, {"network"}));
  validate_rdma(resources.rdma, pointer(base, {"rdma"}));
  validate_unified(resources.unified, pointer(base, {"unified"}));
}

}  // namespace ocx::spec
