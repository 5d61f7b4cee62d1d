// What `events` tells of a container's groups.
#include <fcntl.h>

#include <algorithm>

#include "cgroups/resctrl.hpp"
#include "cgroups/resctrl_schemata.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

std::optional<std::string> first_line(const std::string& path) {
  const auto text = sys::read_file_if_any(here, path);
  if (!text) return std::nullopt;
  return sys::split(*text, '\n').front();
}

/// 0 for "Unavailable" and "Error", as a counter may say.
std::uint64_t number(const std::string& path) {
  return sys::parse_uint(first_line(path).value_or("")).value_or(0);
}

bool exists(const std::string& path) {
  return sys::fstatat(here, path).has_value();
}

void add_hardware(const std::string& info, spec::IntelRdtStats& stats) {
  for (const char* cache : {"/L3", "/L3CODE"}) {  // with code and data apart there is no L3
    const std::string path = info + cache;
    if (stats.l3_cache || !exists(path)) continue;
    stats.l3_cache = {first_line(path + "/cbm_mask").value_or(""), number(path + "/min_cbm_bits"),
                      number(path + "/num_closids")};
  }
  const std::string path = info + "/MB";
  if (exists(path))
    stats.memory_bandwidth = {number(path + "/bandwidth_gran"), number(path + "/delay_linear"),
                              number(path + "/min_bandwidth"), number(path + "/num_closids")};
}

void add_counters(const std::string& mon_data, spec::IntelRdtStats& stats) {
  const sys::FdResult directory = sys::try_openat(here, mon_data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!directory) return;
  std::vector<std::string> caches = sys::list_directory(directory.fd);
  std::sort(caches.begin(), caches.end());
  for (const std::string& cache : caches) {
    if (!cache.starts_with("mon_L3_")) continue;
    const std::string path = mon_data + "/" + cache;
    const std::string total = path + "/mbm_total_bytes", local = path + "/mbm_local_bytes";
    if (exists(total) || exists(local)) {
      if (!stats.bandwidth_used) stats.bandwidth_used.emplace();
      stats.bandwidth_used->push_back({number(total), number(local)});
    }
    if (exists(path + "/llc_occupancy")) {
      if (!stats.cache_occupied) stats.cache_occupied.emplace();
      stats.cache_occupied->push_back(number(path + "/llc_occupancy"));
    }
  }
}

}  // namespace

spec::IntelRdtStats read_resctrl_stats(const ResctrlGroups& groups) {
  spec::IntelRdtStats stats;
  add_hardware(groups.root + "/info", stats);
  const std::string everyones = sys::read_file_if_any(here, groups.root + "/schemata").value_or("");
  const std::string own = sys::read_file_if_any(here, groups.directory + "/schemata").value_or("");
  stats.l3_root = schemata_line(everyones, "L3");
  stats.l3 = schemata_line(own, "L3");
  stats.memory_bandwidth_root = schemata_line(everyones, "MB");
  stats.memory_bandwidth_schema = schemata_line(own, "MB");
  add_counters((groups.monitor.empty() ? groups.directory : groups.monitor) + "/mon_data", stats);
  return stats;
}

}  // namespace ocx::cgroups
