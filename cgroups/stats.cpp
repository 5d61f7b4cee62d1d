#include "cgroups/stats.hpp"

#include <cerrno>

#include "cgroups/controller.hpp"
#include "cgroups/stats_directory.hpp"
#include "cgroups/stats_files.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

bool is_v2(const std::string& controller) {
  return controller.empty() || controller == "unified";
}

[[noreturn]] void throw_gone(const std::string& path) {
  throw Error("the cgroup " + sys::quote(path) + " is gone");
}

sys::UniqueFd open_directory(const std::string& path) {
  sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY);
  if (opened.error_number == ENOENT || opened.error_number == ENODEV) throw_gone(path);
  if (!opened) throw_errno("openat " + sys::quote(path), opened.error_number);
  return std::move(opened.fd);
}

}  // namespace

StatsDirectory::StatsDirectory(const std::string& path) : path_(path), directory_(open_directory(path)) {}

std::optional<std::string> StatsDirectory::text(const std::string& name) const {
  return read_cgroup_file(directory_, name);
}

std::uint64_t StatsDirectory::figure(const std::string& name) const {
  return parse_figure(text(name).value_or(""));
}

std::map<std::string, std::uint64_t> StatsDirectory::flat(const std::string& name) const {
  return parse_flat(text(name).value_or(""));
}

std::optional<spec::Pressure> StatsDirectory::pressure(const std::string& name) const {
  return parse_pressure(text(name).value_or(""));
}

std::vector<unsigned> StatsDirectory::cpu_list(const std::string& name) const {
  std::string list = text(name).value_or("");
  while (!list.empty() && list.back() == '\n') list.pop_back();
  return sys::parse_cpu_list(list).value_or(std::vector<unsigned>());
}

std::vector<std::string> StatsDirectory::hugetlb_sizes(std::string_view suffix) const {
  constexpr std::string_view prefix = "hugetlb.";
  std::vector<std::string> sizes;
  for (const std::string& name : sys::list_directory(directory_)) {
    if (name.compare(0, prefix.size(), prefix) != 0) continue;
    const std::size_t dot = name.find('.', prefix.size());
    if (dot != std::string::npos && name.substr(dot + 1) == suffix)
      sizes.push_back(name.substr(prefix.size(), dot - prefix.size()));
  }
  return sizes;
}

void StatsDirectory::check_exists() const {
  if (!sys::fstatat(directory_, "cgroup.procs")) throw_gone(path_);
}

std::uint64_t figure_of(const std::map<std::string, std::uint64_t>& figures, const std::string& key) {
  const auto found = figures.find(key);
  return found == figures.end() ? 0 : found->second;
}

spec::Stats read_stats(const Paths& paths) {
  spec::Stats stats;
  for (const bool v2 : {false, true}) {
    for (const auto& [controller, path] : paths) {
      if (is_v2(controller) != v2) continue;
      const StatsDirectory directory(path);
      if (v2)
        add_v2_stats(directory, stats);
      else
        add_v1_stats(controller, directory, stats);
      directory.check_exists();
    }
  }
  return stats;
}

}  // namespace ocx::cgroups
