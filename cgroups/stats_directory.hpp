// One directory of a container's cgroup, open, as a source of figures; and who reads which.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/stats.hpp"
#include "sys/fd.hpp"

namespace ocx::cgroups {

class StatsDirectory {
 public:
  /// Error failed: there is none.
  explicit StatsDirectory(const std::string& path);
  std::optional<std::string> text(const std::string& name) const;
  /// 0 when it is absent.
  std::uint64_t figure(const std::string& name) const;
  /// Empty when it is absent.
  std::map<std::string, std::uint64_t> flat(const std::string& name) const;
  std::optional<spec::Pressure> pressure(const std::string& name) const;
  std::vector<unsigned> cpu_list(const std::string& name) const;
  /// Page sizes ("2MB") of the files hugetlb.SIZE.<suffix>.
  std::vector<std::string> hugetlb_sizes(std::string_view suffix) const;
  /// Throws as the constructor does when the cgroup has been removed since.
  void check_exists() const;

 private:
  std::string path_;
  sys::UniqueFd directory_;
};

/// Adds what a v1 controller's directory tells. Controllers without figures add nothing.
void add_v1_stats(const std::string& controller, const StatsDirectory& directory, spec::Stats& stats);
/// Adds what the v2 directory tells and v1 did not.
void add_v2_stats(const StatsDirectory& directory, spec::Stats& stats);

/// The value of a key; 0 when it is not there.
std::uint64_t figure_of(const std::map<std::string, std::uint64_t>& figures, const std::string& key);

}  // namespace ocx::cgroups
