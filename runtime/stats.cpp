#include "runtime/stats.hpp"

#include <algorithm>
#include <optional>

#include "cgroups/stats.hpp"
#include "runtime/state_store.hpp"
#include "runtime/status.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

bool is_active(spec::Status status) {
  return status == spec::Status::running || status == spec::Status::paused;
}

spec::Stats read_stats(const Record& record) {
  return record.cgroup_paths.empty() ? spec::Stats() : cgroups::read_stats(record.cgroup_paths);
}

/// Nothing for a container that does not run, or has ended by now.
std::optional<Sample> take_sample(const Globals& globals, const std::string& id) {
  try {
    const StateDirectory directory = StateDirectory::open(globals, id);
    const Record record = directory.load();
    const spec::Status status = live_status(directory, record);
    if (!is_active(status)) return std::nullopt;
    try {
      const std::int64_t now = sys::monotonic_ns();
      return Sample{now, record.start_time, status, read_stats(record)};
    } catch (const Error&) {
      if (is_alive(record.pid, record.start_time)) throw;
    }
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::does_not_exist)
      sys::log_warning("container " + id + ": " + error.what() + ", ignoring");
  }
  return std::nullopt;
}

sys::UniqueFd open_active(const Globals& globals, const std::string& id) {
  const StateDirectory directory = StateDirectory::open(globals, id);
  const Record record = directory.load();
  std::optional<sys::UniqueFd> init = open_init(record);
  if (!init || !is_active(live_status(directory, record)))
    throw Error("container with id " + id + " is not running", ErrorKind::wrong_state);
  return std::move(*init);
}

double share(std::uint64_t part, double whole) {
  return whole > 0 ? 100.0 * static_cast<double>(part) / whole : 0;
}

std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
  return now > before ? now - before : 0;
}

void add_rates(spec::Usage& usage, const Sample& before, const Sample& now) {
  if (!before.stats.cpu || !now.stats.cpu) return;
  const spec::CpuStats &old_cpu = *before.stats.cpu, &cpu = *now.stats.cpu;
  usage.cpu_percent =
      share(growth(old_cpu.total, cpu.total), static_cast<double>(now.time_ns - before.time_ns));
  // Without a quota there are no periods.
  const std::uint64_t periods = growth(old_cpu.periods, cpu.periods);
  if (cpu.periods > 0)
    usage.throttled_percent =
        share(growth(old_cpu.throttled_periods, cpu.throttled_periods), static_cast<double>(periods));
}

void add_memory(spec::Usage& usage, const spec::MemoryStats& memory) {
  usage.memory_reclaimable = std::min(memory.reclaimable, memory.usage.usage);
  usage.memory = memory.usage.usage - *usage.memory_reclaimable;
  if (spec::is_limited(memory.usage.limit)) usage.memory_limit = memory.usage.limit;
}

std::uint64_t sum(const spec::BlockIoStats::Entries& entries, std::string_view operation) {
  std::uint64_t total = 0;
  for (const spec::BlockIoEntry& entry : entries)
    if (entry.operation == operation) total += entry.value;
  return total;
}

std::optional<double> some_avg10(const std::optional<spec::Pressure>& pressure) {
  return pressure ? std::optional(pressure->some.avg10) : std::nullopt;
}

void add_pressure(spec::Usage& usage, const spec::Stats& stats) {
  if (stats.cpu) usage.cpu_pressure = some_avg10(stats.cpu->pressure);
  if (stats.memory) usage.memory_pressure = some_avg10(stats.memory->pressure);
  if (stats.block_io) usage.io_pressure = some_avg10(stats.block_io->pressure);
}

}  // namespace

spec::Usage usage_of(const std::string& id, const Sample* before, const Sample& now) {
  spec::Usage usage;
  usage.id = id;
  usage.status = now.status;
  const spec::Stats& stats = now.stats;
  if (before != nullptr && before->start_time == now.start_time) add_rates(usage, *before, now);
  if (stats.memory) add_memory(usage, *stats.memory);
  if (stats.pids) {
    usage.pids = stats.pids->current;
    usage.pids_limit = stats.pids->limit;
  }
  if (stats.block_io) {
    usage.io_read = sum(stats.block_io->service_bytes, "Read");
    usage.io_written = sum(stats.block_io->service_bytes, "Write");
  }
  add_pressure(usage, stats);
  return usage;
}

UsageWatch::UsageWatch(const Globals& globals, std::vector<std::string> ids)
    : globals_(globals), ids_(std::move(ids)) {
  std::sort(ids_.begin(), ids_.end());
  ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  for (const std::string& id : ids_) inits_.push_back(open_active(globals_, id));
}

std::vector<spec::Usage> UsageWatch::next() {
  std::erase_if(inits_, [](const sys::UniqueFd& init) { return sys::pidfd_wait(init, 0); });
  std::map<std::string, Sample> samples;
  std::vector<spec::Usage> usages;
  for (const std::string& id : ids_.empty() ? container_ids(globals_) : ids_) {
    std::optional<Sample> sample = take_sample(globals_, id);
    if (!sample) continue;
    const auto before = samples_.find(id);
    usages.push_back(usage_of(id, before == samples_.end() ? nullptr : &before->second, *sample));
    samples.emplace(id, std::move(*sample));
  }
  samples_ = std::move(samples);
  return usages;
}

}  // namespace ocx::runtime
