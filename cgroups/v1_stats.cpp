#include <string_view>

#include "cgroups/stats_directory.hpp"
#include "cgroups/stats_files.hpp"

namespace ocx::cgroups {
namespace {

/// cpuacct.stat counts ticks of USER_HZ, which is 100 wherever ocx runs (times(2)).
constexpr std::uint64_t tick_ns = 10'000'000;

spec::CpuStats& cpu_of(spec::Stats& stats) {
  return stats.cpu ? *stats.cpu : stats.cpu.emplace();
}

void add_cpu(const StatsDirectory& directory, spec::Stats& stats) {
  spec::CpuStats& cpu = cpu_of(stats);
  const auto figures = directory.flat("cpu.stat");
  cpu.periods = figure_of(figures, "nr_periods");
  cpu.throttled_periods = figure_of(figures, "nr_throttled");
  cpu.throttled_time = figure_of(figures, "throttled_time");
}

void add_cpuacct(const StatsDirectory& directory, spec::Stats& stats) {
  spec::CpuStats& cpu = cpu_of(stats);
  cpu.total = directory.figure("cpuacct.usage");
  cpu.percpu = parse_figures(directory.text("cpuacct.usage_percpu").value_or(""));
  parse_usage_all(directory.text("cpuacct.usage_all").value_or(""), cpu);
  const auto ticks = directory.flat("cpuacct.stat");
  cpu.kernel = figure_of(ticks, "system") * tick_ns;
  cpu.user = figure_of(ticks, "user") * tick_ns;
}

void add_cpuset(const StatsDirectory& directory, spec::Stats& stats) {
  spec::CpusetStats& cpuset = stats.cpuset.emplace();
  cpuset.cpus = directory.cpu_list("cpuset.cpus");
  cpuset.mems = directory.cpu_list("cpuset.mems");
  cpuset.cpu_exclusive = directory.figure("cpuset.cpu_exclusive");
  cpuset.mem_hardwall = directory.figure("cpuset.mem_hardwall");
  cpuset.mem_exclusive = directory.figure("cpuset.mem_exclusive");
  cpuset.memory_migrate = directory.figure("cpuset.memory_migrate");
  cpuset.memory_spread_page = directory.figure("cpuset.memory_spread_page");
  cpuset.memory_spread_slab = directory.figure("cpuset.memory_spread_slab");
  cpuset.memory_pressure = directory.figure("cpuset.memory_pressure");
  cpuset.sched_load_balance = directory.figure("cpuset.sched_load_balance");
  // -1 is "the system's default", and parse_figure's largest number is -1.
  cpuset.sched_relax_domain_level =
      static_cast<std::int64_t>(directory.figure("cpuset.sched_relax_domain_level"));
}

spec::MemoryFigure memory_figure(const StatsDirectory& directory, const std::string& prefix) {
  return {.limit = directory.figure(prefix + ".limit_in_bytes"),
          .usage = directory.figure(prefix + ".usage_in_bytes"),
          .max = directory.figure(prefix + ".max_usage_in_bytes"),
          .failcnt = directory.figure(prefix + ".failcnt")};
}

void add_memory(const StatsDirectory& directory, spec::Stats& stats) {
  spec::MemoryStats& memory = stats.memory.emplace();
  memory.usage = memory_figure(directory, "memory");
  memory.swap = memory_figure(directory, "memory.memsw");
  memory.kernel = memory_figure(directory, "memory.kmem");
  memory.kernel_tcp = memory_figure(directory, "memory.kmem.tcp");
  memory.raw = directory.flat("memory.stat");
  memory.cache = figure_of(memory.raw, "cache");
  memory.reclaimable = figure_of(memory.raw, "total_inactive_file");
}

void add_pids(const StatsDirectory& directory, spec::Stats& stats) {
  spec::PidsStats& pids = stats.pids.emplace();
  pids.current = directory.figure("pids.current");
  const std::uint64_t limit = directory.figure("pids.max");
  if (spec::is_limited(limit)) pids.limit = limit;
}

/// Who counts depends on the device's I/O scheduler: bfq, the old cfq, or the throttling layer, which sees
/// all.
spec::BlockIoStats::Entries block_io(const StatsDirectory& directory, const std::string& figure,
                                     std::initializer_list<const char*> counters) {
  for (const char* counter : counters) {
    auto entries = parse_v1_block_io(directory.text(counter + figure + "_recursive").value_or(""));
    if (!entries.empty()) return entries;
  }
  return {};
}

void add_block_io(const StatsDirectory& directory, spec::Stats& stats) {
  spec::BlockIoStats& io = stats.block_io.emplace();
  io.service_bytes = block_io(directory, "io_service_bytes", {"blkio.bfq.", "blkio.", "blkio.throttle."});
  io.serviced = block_io(directory, "io_serviced", {"blkio.bfq.", "blkio.", "blkio.throttle."});
  io.queued = block_io(directory, "io_queued", {"blkio.bfq.", "blkio."});
  io.service_time = block_io(directory, "io_service_time", {"blkio.bfq.", "blkio."});
  io.wait_time = block_io(directory, "io_wait_time", {"blkio.bfq.", "blkio."});
  io.merged = block_io(directory, "io_merged", {"blkio.bfq.", "blkio."});
  io.time = block_io(directory, "time", {"blkio.bfq.", "blkio."});
  io.sectors = block_io(directory, "sectors", {"blkio.bfq.", "blkio."});
}

void add_hugetlb(const StatsDirectory& directory, spec::Stats& stats) {
  for (const std::string& size : directory.hugetlb_sizes("usage_in_bytes")) {
    const std::string prefix = "hugetlb." + size;
    stats.hugetlb[size] = {.usage = directory.figure(prefix + ".usage_in_bytes"),
                           .max = directory.figure(prefix + ".max_usage_in_bytes"),
                           .failcnt = directory.figure(prefix + ".failcnt")};
  }
}

struct Reader {
  std::string_view controller;
  void (*add)(const StatsDirectory&, spec::Stats&);
};
constexpr Reader readers[] = {
    {"cpu", add_cpu},   {"cpuacct", add_cpuacct}, {"cpuset", add_cpuset},   {"memory", add_memory},
    {"pids", add_pids}, {"blkio", add_block_io},  {"hugetlb", add_hugetlb},
};

}  // namespace

void add_v1_stats(const std::string& controller, const StatsDirectory& directory, spec::Stats& stats) {
  for (const Reader& reader : readers)
    if (reader.controller == controller) reader.add(directory, stats);
}

}  // namespace ocx::cgroups
