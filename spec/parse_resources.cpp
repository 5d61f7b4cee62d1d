// config-linux.md, "Control groups".
#include "spec/parse_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {

Resources::Resources() = default;
Resources::~Resources() = default;
Resources::Resources(const Resources&) = default;
Resources::Resources(Resources&&) noexcept = default;
Resources& Resources::operator=(const Resources&) = default;
Resources& Resources::operator=(Resources&&) noexcept = default;

namespace {

constexpr Named<char> rule_types[] = {{"a", 'a'}, {"b", 'b'}, {"c", 'c'}};
constexpr std::int64_t largest_device_number = 0xffffffff, largest = std::numeric_limits<std::int64_t>::max();

// -1 is how engines of the first years wrote "any".
std::optional<std::int64_t> read_rule_number(const Json& json) {
  if (!json.present()) return std::nullopt;
  const std::int64_t number = json.integer(-1, largest_device_number);
  return number == -1 ? std::nullopt : std::optional(number);
}

void read_access(const Json& json, DeviceRule& rule) {
  const std::optional<std::string> access = read_nonempty(json);
  // "a" has always meant all devices with all permissions (cgroup v1, devices.rst).
  if (!access && rule.type == 'a') rule.read = rule.write = rule.mknod = true;
  if (!access && rule.type != 'a') throw json.error("\"access\" is required").hint("some of \"rwm\"");
  for (const char c : access.value_or("")) {
    if (c != 'r' && c != 'w' && c != 'm')
      throw json.error("unknown access " + sys::quote(*access)).hint("some of \"rwm\"");
    (c == 'r' ? rule.read : c == 'w' ? rule.write : rule.mknod) = true;
  }
}

std::vector<DeviceRule> read_device_rules(const Json& rules) {
  std::vector<DeviceRule> result;
  for (const Json& json : rules.elements()) {
    DeviceRule& rule = result.emplace_back();
    json.need("allow").read(rule.allow);
    if (const auto type = read_nonempty(json["type"]))
      rule.type = read_name(json["type"], rule_types, "device rule type");
    rule.major = read_rule_number(json["major"]);
    rule.minor = read_rule_number(json["minor"]);
    read_access(json["access"], rule);
  }
  return result;
}

void read_limit(const Json& json, std::optional<std::int64_t>& limit) {
  if (json.present()) limit = json.integer(-1, largest);
}

MemoryLimits read_memory(const Json& json) {
  MemoryLimits memory;
  read_limit(json["limit"], memory.limit);
  read_limit(json["reservation"], memory.reservation);
  read_limit(json["swap"], memory.swap);
  read_limit(json["kernel"], memory.kernel);
  read_limit(json["kernelTCP"], memory.kernel_tcp);
  if (const Json swappiness = json["swappiness"]; swappiness.present())
    memory.swappiness = swappiness.unsigned_integer(100);
  json["disableOOMKiller"].read(memory.disable_oom_killer);
  json["useHierarchy"].read(memory.use_hierarchy);
  json["checkBeforeUpdate"].read(memory.check_before_update);
  return memory;
}

CpuLimits read_cpu(const Json& json) {
  CpuLimits cpu;
  json["shares"].read(cpu.shares);
  read_limit(json["quota"], cpu.quota);
  json["burst"].read(cpu.burst);
  json["period"].read(cpu.period);
  read_limit(json["realtimeRuntime"], cpu.realtime_runtime);
  json["realtimePeriod"].read(cpu.realtime_period);
  json["cpus"].read(cpu.cpus);
  json["mems"].read(cpu.mems);
  if (const Json idle = json["idle"]; idle.present()) cpu.idle = idle.integer(0, 1);
  return cpu;
}

std::vector<WeightDevice> read_weight_devices(const Json& devices) {
  std::vector<WeightDevice> result;
  for (const Json& json : devices.elements()) {
    WeightDevice& device = result.emplace_back();
    device.major = json.need("major").integer(0, largest_device_number);
    device.minor = json.need("minor").integer(0, largest_device_number);
    json["weight"].read(device.weight);
    json["leafWeight"].read(device.leaf_weight);
    if (!device.weight && !device.leaf_weight)
      throw json.error("the device has neither weight nor leafWeight").hint("give at least one of them");
  }
  return result;
}

std::vector<ThrottleDevice> read_throttles(const Json& devices) {
  std::vector<ThrottleDevice> result;
  for (const Json& json : devices.elements()) {
    ThrottleDevice& device = result.emplace_back();
    device.major = json.need("major").integer(0, largest_device_number);
    device.minor = json.need("minor").integer(0, largest_device_number);
    json.need("rate").read(device.rate);
  }
  return result;
}

BlockIo read_block_io(const Json& json) {
  BlockIo io;
  json["weight"].read(io.weight);
  json["leafWeight"].read(io.leaf_weight);
  io.weight_device = read_weight_devices(json["weightDevice"]);
  io.throttle_read_bps = read_throttles(json["throttleReadBpsDevice"]);
  io.throttle_write_bps = read_throttles(json["throttleWriteBpsDevice"]);
  io.throttle_read_iops = read_throttles(json["throttleReadIOPSDevice"]);
  io.throttle_write_iops = read_throttles(json["throttleWriteIOPSDevice"]);
  return io;
}

std::vector<HugepageLimit> read_hugepages(const Json& limits) {
  std::vector<HugepageLimit> result;
  for (const Json& json : limits.elements()) {
    HugepageLimit& limit = result.emplace_back();
    json.need("pageSize").read(limit.page_size);
    json.need("limit").read(limit.limit);
  }
  return result;
}

NetworkLimits read_network(const Json& json) {
  NetworkLimits network;
  json["classID"].read(network.class_id);
  for (const Json& entry : json["priorities"].elements()) {
    InterfacePriority& priority = network.priorities.emplace_back();
    entry.need("name").read(priority.name);
    entry.need("priority").read(priority.priority);
  }
  return network;
}

std::map<std::string, RdmaLimit> read_rdma(const Json& devices) {
  std::map<std::string, RdmaLimit> result;
  for (const Json& json : devices.members()) {
    RdmaLimit& limit = result[json.key()];
    json["hcaHandles"].read(limit.hca_handles);
    json["hcaObjects"].read(limit.hca_objects);
    if (!limit.hca_handles && !limit.hca_objects)
      throw json.error("the device has neither hcaHandles nor hcaObjects").hint("give at least one of them");
  }
  return result;
}

}  // namespace

Resources read_resources(const Json& json) {
  Resources resources;
  resources.devices = read_device_rules(json["devices"]);
  if (const Json memory = json["memory"]; memory.present()) resources.memory = read_memory(memory);
  if (const Json cpu = json["cpu"]; cpu.present()) resources.cpu = read_cpu(cpu);
  if (const Json pids = json["pids"]; pids.present()) {
    resources.has_pids = true;
    read_limit(pids["limit"], resources.pids_limit);
  }
  if (const Json io = json["blockIO"]; io.present()) resources.block_io = read_block_io(io);
  resources.hugepage_limits = read_hugepages(json["hugepageLimits"]);
  if (const Json network = json["network"]; network.present()) resources.network = read_network(network);
  resources.rdma = read_rdma(json["rdma"]);
  json["unified"].read(resources.unified);
  return resources;
}

}  // namespace ocx::spec
