// `events`: what a container uses, now and then, and when it runs out of memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroups/oom.hpp"
#include "runtime/request.hpp"
#include "runtime/state_store.hpp"
#include "sys/event_fd.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// One line with the figures of now. Error wrong_state: the container is not running. Error unsupported: it
/// has no cgroup.
std::string stats_event(const Globals& globals, const std::string& id);

/// The events of one container to its end.
class EventStream {
 public:
  /// Figures every `interval_ns` (> 0), the first after one interval. Errors as of stats_event().
  EventStream(const Globals& globals, const std::string& id, std::int64_t interval_ns);
  /// Waits; the next lines, or nothing when the container has ended, or nobody reads `reader` any more (a
  /// pipe without a reader, a closed terminal).
  std::optional<std::vector<std::string>> next(sys::FdRef reader);

 private:
  void add_ooms(std::vector<std::string>& lines);
  void add_figures(std::vector<std::string>& lines) const;

  Record record_;
  sys::UniqueFd init_;
  sys::Timer timer_;
  std::optional<cgroups::OomWatch> oom_;
  bool ended_ = false;
};

}  // namespace ocx::runtime
