#include "cgroups/stats_directory.hpp"
#include "cgroups/stats_files.hpp"

namespace ocx::cgroups {
namespace {

constexpr std::uint64_t us = 1000;

/// cpu.stat is there without the controller, too: then it tells the usage alone.
void add_cpu(const StatsDirectory& directory, spec::Stats& stats) {
  if (!stats.cpu) {
    const auto text = directory.text("cpu.stat");
    if (!text) return;
    const auto figures = parse_flat(*text);
    spec::CpuStats& cpu = stats.cpu.emplace();
    cpu.total = figure_of(figures, "usage_usec") * us;
    cpu.kernel = figure_of(figures, "system_usec") * us;
    cpu.user = figure_of(figures, "user_usec") * us;
    cpu.periods = figure_of(figures, "nr_periods");
    cpu.throttled_periods = figure_of(figures, "nr_throttled");
    cpu.throttled_time = figure_of(figures, "throttled_usec") * us;
  }
  stats.cpu->pressure = directory.pressure("cpu.pressure");
}

void add_cpuset(const StatsDirectory& directory, spec::Stats& stats) {
  if (stats.cpuset) return;
  spec::CpusetStats cpuset;
  cpuset.cpus = directory.cpu_list("cpuset.cpus.effective");
  cpuset.mems = directory.cpu_list("cpuset.mems.effective");
  if (!cpuset.cpus.empty()) stats.cpuset = std::move(cpuset);
}

/// cgroup v1 counted memory and swap together, and so do the readers of this figure.
spec::MemoryFigure with_swap(const StatsDirectory& directory, const spec::MemoryFigure& memory) {
  const auto swap = directory.text("memory.swap.current");
  if (!swap) return {};
  const std::uint64_t limit = directory.figure("memory.swap.max");
  return {.limit = spec::is_limited(limit) && spec::is_limited(memory.limit) ? limit + memory.limit
                                                                             : spec::unlimited,
          .usage = parse_figure(*swap) + memory.usage};
}

void add_memory(const StatsDirectory& directory, spec::Stats& stats) {
  const auto current = stats.memory ? std::nullopt : directory.text("memory.current");
  if (current) {
    spec::MemoryStats& memory = stats.memory.emplace();
    memory.usage = {.limit = directory.figure("memory.max"),
                    .usage = parse_figure(*current),
                    .max = directory.figure("memory.peak"),
                    .failcnt = figure_of(directory.flat("memory.events"), "max")};
    memory.swap = with_swap(directory, memory.usage);
    memory.raw = directory.flat("memory.stat");
    memory.cache = figure_of(memory.raw, "file");
    memory.reclaimable = figure_of(memory.raw, "inactive_file");
  }
  if (stats.memory) stats.memory->pressure = directory.pressure("memory.pressure");
}

void add_pids(const StatsDirectory& directory, spec::Stats& stats) {
  const auto current = stats.pids ? std::nullopt : directory.text("pids.current");
  if (!current) return;
  spec::PidsStats& pids = stats.pids.emplace();
  pids.current = parse_figure(*current);
  const std::uint64_t limit = directory.figure("pids.max");
  if (spec::is_limited(limit)) pids.limit = limit;
}

void add_block_io(const StatsDirectory& directory, spec::Stats& stats) {
  if (!stats.block_io) {
    const auto text = directory.text("io.stat");
    if (!text) return;
    parse_io_stat(*text, stats.block_io.emplace());
  }
  stats.block_io->pressure = directory.pressure("io.pressure");
}

void add_hugetlb(const StatsDirectory& directory, spec::Stats& stats) {
  if (!stats.hugetlb.empty()) return;
  for (const std::string& size : directory.hugetlb_sizes("current")) {
    const std::string prefix = "hugetlb." + size;
    stats.hugetlb[size] = {.usage = directory.figure(prefix + ".current"),
                           .failcnt = figure_of(directory.flat(prefix + ".events"), "max")};
  }
}

}  // namespace

void add_v2_stats(const StatsDirectory& directory, spec::Stats& stats) {
  add_cpu(directory, stats);
  add_cpuset(directory, stats);
  add_memory(directory, stats);
  add_pids(directory, stats);
  add_block_io(directory, stats);
  add_hugetlb(directory, stats);
}

}  // namespace ocx::cgroups
