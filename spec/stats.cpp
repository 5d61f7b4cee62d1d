#include "spec/stats.hpp"

#include <nlohmann/json.hpp>

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

/// An object whose members appear only when they say something: Go's "omitempty", which readers are used to.
class Object {
 public:
  template <typename Value>
  Object& always(const char* key, const Value& value) {
    json_[key] = value;
    return *this;
  }
  Object& number(const char* key, std::uint64_t value) {
    if (value != 0) json_[key] = value;
    return *this;
  }
  template <typename List>
  Object& list(const char* key, const List& values) {
    if (!values.empty()) json_[key] = values;
    return *this;
  }
  Object& pressure(const std::optional<Pressure>& pressure) {
    if (pressure) json_["psi"] = {{"some", line(pressure->some)}, {"full", line(pressure->full)}};
    return *this;
  }
  Json take() { return std::move(json_); }

 private:
  static Json line(const PressureLine& line) {
    return {{"avg10", line.avg10}, {"avg60", line.avg60}, {"avg300", line.avg300}, {"total", line.total}};
  }

  Json json_ = Json::object();
};

Json cpu_object(const CpuStats& cpu) {
  Json usage = Object()
                   .number("total", cpu.total)
                   .list("percpu", cpu.percpu)
                   .list("percpu_kernel", cpu.percpu_kernel)
                   .list("percpu_user", cpu.percpu_user)
                   .always("kernel", cpu.kernel)
                   .always("user", cpu.user)
                   .take();
  Json throttling = Object()
                        .number("periods", cpu.periods)
                        .number("throttledPeriods", cpu.throttled_periods)
                        .number("throttledTime", cpu.throttled_time)
                        .take();
  return Object().always("usage", usage).always("throttling", throttling).pressure(cpu.pressure).take();
}

Json cpuset_object(const CpusetStats& cpuset) {
  return Object()
      .list("cpus", cpuset.cpus)
      .always("cpu_exclusive", cpuset.cpu_exclusive)
      .list("mems", cpuset.mems)
      .always("mem_hardwall", cpuset.mem_hardwall)
      .always("mem_exclusive", cpuset.mem_exclusive)
      .always("memory_migrate", cpuset.memory_migrate)
      .always("memory_spread_page", cpuset.memory_spread_page)
      .always("memory_spread_slab", cpuset.memory_spread_slab)
      .always("memory_pressure", cpuset.memory_pressure)
      .always("sched_load_balance", cpuset.sched_load_balance)
      .always("sched_relax_domain_level", cpuset.sched_relax_domain_level)
      .take();
}

Json memory_figure(const MemoryFigure& figure) {
  return Object()
      .always("limit", figure.limit)
      .number("usage", figure.usage)
      .number("max", figure.max)
      .always("failcnt", figure.failcnt)
      .take();
}

Json memory_object(const MemoryStats& memory) {
  return Object()
      .number("cache", memory.cache)
      .always("usage", memory_figure(memory.usage))
      .always("swap", memory_figure(memory.swap))
      .always("kernel", memory_figure(memory.kernel))
      .always("kernelTCP", memory_figure(memory.kernel_tcp))
      .list("raw", memory.raw)
      .pressure(memory.pressure)
      .take();
}

Json pids_object(const PidsStats& pids) {
  Object object;
  object.number("current", pids.current);
  if (pids.limit) object.always("limit", *pids.limit);
  return object.take();
}

Json block_io_entries(const BlockIoStats::Entries& entries) {
  Json list = Json::array();
  for (const BlockIoEntry& entry : entries) {
    Object object;
    object.number("major", entry.major).number("minor", entry.minor);
    list.push_back(object.list("op", entry.operation).number("value", entry.value).take());
  }
  return list;
}

Json block_io_object(const BlockIoStats& io) {
  return Object()
      .list("ioServiceBytesRecursive", block_io_entries(io.service_bytes))
      .list("ioServicedRecursive", block_io_entries(io.serviced))
      .list("ioQueueRecursive", block_io_entries(io.queued))
      .list("ioServiceTimeRecursive", block_io_entries(io.service_time))
      .list("ioWaitTimeRecursive", block_io_entries(io.wait_time))
      .list("ioMergedRecursive", block_io_entries(io.merged))
      .list("ioTimeRecursive", block_io_entries(io.time))
      .list("sectorsRecursive", block_io_entries(io.sectors))
      .pressure(io.pressure)
      .take();
}

Json hugetlb_object(const std::map<std::string, HugetlbStats>& sizes) {
  Json object = Json::object();
  for (const auto& [size, figures] : sizes)
    object[size] = Object()
                       .number("usage", figures.usage)
                       .number("max", figures.max)
                       .always("failcnt", figures.failcnt)
                       .take();
  return object;
}

/// Values that readers get as text are left out when empty.
Json intel_rdt_object(const IntelRdtStats& rdt) {
  Object object;
  if (rdt.l3_cache)
    object.always("l3_cache_info", Object()
                                       .list("cbm_mask", rdt.l3_cache->cbm_mask)
                                       .number("min_cbm_bits", rdt.l3_cache->min_cbm_bits)
                                       .number("num_closids", rdt.l3_cache->num_closids)
                                       .take());
  object.list("l3_cache_schema_root", rdt.l3_root).list("l3_cache_schema", rdt.l3);
  if (rdt.memory_bandwidth)
    object.always("mem_bw_info", Object()
                                     .number("bandwidth_gran", rdt.memory_bandwidth->bandwidth_gran)
                                     .number("delay_linear", rdt.memory_bandwidth->delay_linear)
                                     .number("min_bandwidth", rdt.memory_bandwidth->min_bandwidth)
                                     .number("num_closids", rdt.memory_bandwidth->num_closids)
                                     .take());
  object.list("mem_bw_schema_root", rdt.memory_bandwidth_root)
      .list("mem_bw_schema", rdt.memory_bandwidth_schema);
  if (rdt.bandwidth_used) {
    Json list = Json::array();
    for (const IntelRdtStats::Bandwidth& used : *rdt.bandwidth_used)
      list.push_back({{"mbm_total_bytes", used.total_bytes}, {"mbm_local_bytes", used.local_bytes}});
    object.always("mbm_stats", list);
  }
  if (rdt.cache_occupied) {
    Json list = Json::array();
    for (const std::uint64_t bytes : *rdt.cache_occupied) list.push_back({{"llc_occupancy", bytes}});
    object.always("cmt_stats", list);
  }
  return object.take();
}

Json event(const char* type, const std::string& id) {
  return {{"type", type}, {"id", id}};
}

}  // namespace

std::string write_stats_event(const std::string& id, const Stats& stats) {
  Json document = event("stats", id);
  document["data"] = Object()
                         .always("cpu", cpu_object(stats.cpu.value_or(CpuStats())))
                         .always("cpuset", cpuset_object(stats.cpuset.value_or(CpusetStats())))
                         .always("memory", memory_object(stats.memory.value_or(MemoryStats())))
                         .always("pids", pids_object(stats.pids.value_or(PidsStats())))
                         .always("blkio", block_io_object(stats.block_io.value_or(BlockIoStats())))
                         .always("hugetlb", hugetlb_object(stats.hugetlb))
                         .always("intel_rdt", intel_rdt_object(stats.intel_rdt.value_or(IntelRdtStats())))
                         .always("network_interfaces", Json())
                         .take();
  // Names in memory.stat are the kernel's; should one be no UTF-8, the line stays JSON.
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string write_oom_event(const std::string& id) {
  return event("oom", id).dump();
}

}  // namespace ocx::spec
