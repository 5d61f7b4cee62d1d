#include "spec/write_resources.hpp"

#include <nlohmann/json.hpp>

#include "sys/error.hpp"

namespace ocx::spec {
namespace {

using Json = nlohmann::json;

template <class T>
void put(Json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

template <class T, class Convert>
void put_list(Json& object, const char* key, const std::vector<T>& list, Convert convert) {
  for (const T& element : list) object[key].push_back(convert(element));
}

Json rule_to_json(const DeviceRule& rule) {
  std::string access;
  if (rule.read) access += 'r';
  if (rule.write) access += 'w';
  if (rule.mknod) access += 'm';
  Json json = {{"allow", rule.allow}, {"type", std::string(1, rule.type)}, {"access", access}};
  put(json, "major", rule.major);
  put(json, "minor", rule.minor);
  return json;
}

Json memory_to_json(const MemoryLimits& memory) {
  Json json = Json::object();
  put(json, "limit", memory.limit);
  put(json, "reservation", memory.reservation);
  put(json, "swap", memory.swap);
  put(json, "kernel", memory.kernel);
  put(json, "kernelTCP", memory.kernel_tcp);
  put(json, "swappiness", memory.swappiness);
  put(json, "disableOOMKiller", memory.disable_oom_killer);
  put(json, "useHierarchy", memory.use_hierarchy);
  if (memory.check_before_update) json["checkBeforeUpdate"] = true;
  return json;
}

Json cpu_to_json(const CpuLimits& cpu) {
  Json json = Json::object();
  put(json, "shares", cpu.shares);
  put(json, "quota", cpu.quota);
  put(json, "burst", cpu.burst);
  put(json, "period", cpu.period);
  put(json, "realtimeRuntime", cpu.realtime_runtime);
  put(json, "realtimePeriod", cpu.realtime_period);
  put(json, "cpus", cpu.cpus);
  put(json, "mems", cpu.mems);
  put(json, "idle", cpu.idle);
  return json;
}

Json weight_to_json(const WeightDevice& device) {
  Json json = {{"major", device.major}, {"minor", device.minor}};
  put(json, "weight", device.weight);
  put(json, "leafWeight", device.leaf_weight);
  return json;
}

Json throttle_to_json(const ThrottleDevice& device) {
  return {{"major", device.major}, {"minor", device.minor}, {"rate", device.rate}};
}

Json block_io_to_json(const BlockIo& io) {
  Json json = Json::object();
  put(json, "weight", io.weight);
  put(json, "leafWeight", io.leaf_weight);
  put_list(json, "weightDevice", io.weight_device, weight_to_json);
  put_list(json, "throttleReadBpsDevice", io.throttle_read_bps, throttle_to_json);
  put_list(json, "throttleWriteBpsDevice", io.throttle_write_bps, throttle_to_json);
  put_list(json, "throttleReadIOPSDevice", io.throttle_read_iops, throttle_to_json);
  put_list(json, "throttleWriteIOPSDevice", io.throttle_write_iops, throttle_to_json);
  return json;
}

Json hugepage_to_json(const HugepageLimit& limit) {
  return {{"pageSize", limit.page_size}, {"limit", limit.limit}};
}

Json priority_to_json(const InterfacePriority& priority) {
  return {{"name", priority.name}, {"priority", priority.priority}};
}

Json network_to_json(const NetworkLimits& network) {
  Json json = Json::object();
  put(json, "classID", network.class_id);
  put_list(json, "priorities", network.priorities, priority_to_json);
  return json;
}

Json rdma_to_json(const RdmaLimit& limit) {
  Json json = Json::object();
  put(json, "hcaHandles", limit.hca_handles);
  put(json, "hcaObjects", limit.hca_objects);
  return json;
}

Json to_json(const Resources& resources) {
  Json json = Json::object();
  put_list(json, "devices", resources.devices, rule_to_json);
  if (resources.memory) json["memory"] = memory_to_json(*resources.memory);
  if (resources.cpu) json["cpu"] = cpu_to_json(*resources.cpu);
  if (resources.has_pids || resources.pids_limit) json["pids"] = Json::object();
  if (resources.pids_limit) json["pids"]["limit"] = *resources.pids_limit;
  if (resources.block_io) json["blockIO"] = block_io_to_json(*resources.block_io);
  put_list(json, "hugepageLimits", resources.hugepage_limits, hugepage_to_json);
  if (resources.network) json["network"] = network_to_json(*resources.network);
  for (const auto& [device, limit] : resources.rdma) json["rdma"][device] = rdma_to_json(limit);
  if (!resources.unified.empty()) json["unified"] = resources.unified;
  return json;
}

}  // namespace

std::string write_resources(const Resources& resources) {
  try {
    return to_json(resources).dump();
  } catch (const Json::exception&) {
    throw Error("the resources have text that is not UTF-8");
  }
}

}  // namespace ocx::spec
