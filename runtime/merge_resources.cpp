#include "runtime/merge_resources.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spec/validate.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {
namespace {

using spec::Resources;

template <class T>
void drop_zero(std::optional<T>& value) {
  if (value && *value == 0) value.reset();
}

void drop_empty(std::optional<std::string>& text) {
  if (text && text->empty()) text.reset();
}

bool is_empty(const spec::MemoryLimits& memory) {
  return !memory.limit && !memory.reservation && !memory.swap && !memory.kernel && !memory.kernel_tcp &&
         !memory.swappiness && !memory.disable_oom_killer && !memory.use_hierarchy &&
         !memory.check_before_update;
}

bool is_empty(const spec::CpuLimits& cpu) {
  return !cpu.shares && !cpu.burst && !cpu.period && !cpu.realtime_period && !cpu.quota &&
         !cpu.realtime_runtime && !cpu.idle && !cpu.cpus && !cpu.mems;
}

bool is_empty(const spec::BlockIo& io) {
  return !io.weight && !io.leaf_weight && io.weight_device.empty() && io.throttle_read_bps.empty() &&
         io.throttle_write_bps.empty() && io.throttle_read_iops.empty() && io.throttle_write_iops.empty();
}

bool is_empty(const spec::NetworkLimits& network) {
  return !network.class_id && network.priorities.empty();
}

template <class Limits>
void drop_if_empty(std::optional<Limits>& limits) {
  if (limits && is_empty(*limits)) limits.reset();
}

/// What a request really asks for. 0 is a limit for pids and a value for idle and burst; elsewhere it is how
/// Go programs write "not set".
Resources effective(Resources request) {
  request.devices.clear();
  request.has_pids = request.pids_limit.has_value();
  if (request.memory) {
    drop_zero(request.memory->limit);
    drop_zero(request.memory->reservation);
    drop_zero(request.memory->swap);
    drop_zero(request.memory->kernel);
    drop_zero(request.memory->kernel_tcp);
  }
  if (request.cpu) {
    drop_zero(request.cpu->shares);
    drop_zero(request.cpu->quota);
    drop_zero(request.cpu->period);
    drop_zero(request.cpu->realtime_runtime);
    drop_zero(request.cpu->realtime_period);
    drop_empty(request.cpu->cpus);
    drop_empty(request.cpu->mems);
  }
  if (request.block_io) {
    drop_zero(request.block_io->weight);
    drop_zero(request.block_io->leaf_weight);
  }
  drop_if_empty(request.memory);
  drop_if_empty(request.cpu);
  drop_if_empty(request.block_io);
  drop_if_empty(request.network);
  return request;
}

template <class T>
void take(std::optional<T>& into, const std::optional<T>& from) {
  if (from) into = from;
}

template <class T>
T& made(std::optional<T>& object) {
  return object ? *object : object.emplace();
}

/// An element of `from` replaces the one with the same key, or is added.
template <class T, class Key>
void take_list(std::vector<T>& into, const std::vector<T>& from, Key key) {
  for (const T& element : from) {
    const auto same = [&](const T& other) { return key(other) == key(element); };
    const auto old = std::find_if(into.begin(), into.end(), same);
    if (old == into.end())
      into.push_back(element);
    else
      *old = element;
  }
}

constexpr auto device_number = [](const auto& device) { return std::pair(device.major, device.minor); };

void take_memory(spec::MemoryLimits& next, spec::MemoryLimits& write) {
  // Without this the old limit of both together would stay below "no limit", which the kernel refuses.
  if (write.limit == -1 && !write.swap && next.swap.value_or(0) > 0) write.swap = -1;
  take(next.limit, write.limit);
  take(next.reservation, write.reservation);
  take(next.swap, write.swap);
  take(next.kernel, write.kernel);
  take(next.kernel_tcp, write.kernel_tcp);
  take(next.swappiness, write.swappiness);
  take(next.disable_oom_killer, write.disable_oom_killer);
  take(next.use_hierarchy, write.use_hierarchy);
  next.check_before_update = next.check_before_update || write.check_before_update;
  write.check_before_update = next.check_before_update && write.limit;
  // Version 2 limits swap alone, so that its value follows from both.
  if (!write.limit && !write.swap) return;
  write.limit = next.limit;
  write.swap = next.swap;
}

/// sched_group_set_shares() of the kernel refuses shares while the cgroup is idle, and a change of idle
/// resets them.
void take_idle(spec::CpuLimits& next, spec::CpuLimits& write) {
  const auto before = next.idle.value_or(0);
  take(next.idle, write.idle);
  const bool idle = next.idle.value_or(0) != 0;
  if (idle && write.shares && write.shares != next.shares)
    throw Error("an idle cgroup has no shares", ErrorKind::invalid_config)
        .at("/cpu/shares")
        .hint("set idle to 0 as well");
  if (idle) write.shares.reset();  // what is on record from create: no request, and nothing to write
  if (next.idle.value_or(0) != before) next.shares.reset();
}

void take_cpu(spec::CpuLimits& next, spec::CpuLimits& write) {
  take_idle(next, write);
  take(next.shares, write.shares);
  take(next.burst, write.burst);
  take(next.period, write.period);
  take(next.quota, write.quota);
  take(next.realtime_period, write.realtime_period);
  take(next.realtime_runtime, write.realtime_runtime);
  take(next.cpus, write.cpus);
  take(next.mems, write.mems);
  if (write.quota || write.period) {
    write.quota = next.quota;
    write.period = next.period;
  }
  if (write.realtime_runtime || write.realtime_period) {
    write.realtime_runtime = next.realtime_runtime;
    write.realtime_period = next.realtime_period;
  }
}

void take_block_io(spec::BlockIo& next, const spec::BlockIo& write) {
  take(next.weight, write.weight);
  take(next.leaf_weight, write.leaf_weight);
  take_list(next.weight_device, write.weight_device, device_number);
  take_list(next.throttle_read_bps, write.throttle_read_bps, device_number);
  take_list(next.throttle_write_bps, write.throttle_write_bps, device_number);
  take_list(next.throttle_read_iops, write.throttle_read_iops, device_number);
  take_list(next.throttle_write_iops, write.throttle_write_iops, device_number);
}

void take_network(spec::NetworkLimits& next, const spec::NetworkLimits& write) {
  take(next.class_id, write.class_id);
  take_list(next.priorities, write.priorities, [](const auto& priority) { return priority.name; });
}

void take_rdma(std::map<std::string, spec::RdmaLimit>& next,
               const std::map<std::string, spec::RdmaLimit>& write) {
  for (const auto& [device, limit] : write) {
    take(next[device].hca_handles, limit.hca_handles);
    take(next[device].hca_objects, limit.hca_objects);
  }
}

/// The same value can be set by a property and by its file. The later word counts: else the other's old value
/// would be written again with the next change of a pair.
void forget_overruled(Resources& next, const Resources& write) {
  const auto in_unified = [&](const char* file) { return write.unified.count(file) != 0; };
  if (next.memory && in_unified("memory.max")) next.memory->limit.reset();
  if (next.memory && in_unified("memory.swap.max")) next.memory->swap.reset();
  if (next.cpu && in_unified("cpu.max")) {
    next.cpu->quota.reset();
    next.cpu->period.reset();
  }
  if (write.memory && write.memory->limit && !in_unified("memory.max")) next.unified.erase("memory.max");
  if (write.memory && write.memory->swap && !in_unified("memory.swap.max"))
    next.unified.erase("memory.swap.max");
  if (write.cpu && (write.cpu->quota || write.cpu->period) && !in_unified("cpu.max"))
    next.unified.erase("cpu.max");
}

}  // namespace

bool ResourceUpdate::empty() const {
  return !write.memory && !write.cpu && !write.pids_limit && !write.block_io && !write.network &&
         write.hugepage_limits.empty() && write.rdma.empty() && write.unified.empty();
}

ResourceUpdate merge_resources(const Resources& in_force, const Resources& request) {
  ResourceUpdate update{effective(request), in_force};
  auto& [write, next] = update;
  if (write.memory) take_memory(made(next.memory), *write.memory);
  if (write.cpu) take_cpu(made(next.cpu), *write.cpu);
  drop_if_empty(write.cpu);
  take(next.pids_limit, write.pids_limit);
  next.has_pids = next.has_pids || write.has_pids;
  if (write.block_io) take_block_io(made(next.block_io), *write.block_io);
  take_list(next.hugepage_limits, write.hugepage_limits, [](const auto& limit) { return limit.page_size; });
  if (write.network) take_network(made(next.network), *write.network);
  take_rdma(next.rdma, write.rdma);
  for (const auto& [file, value] : write.unified) next.unified[file] = value;
  forget_overruled(next, write);
  spec::validate_resources(next, "");
  return update;
}

}  // namespace ocx::runtime
