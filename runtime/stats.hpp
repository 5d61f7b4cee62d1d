// `stats`: samples of many containers, and the rates between two of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/request.hpp"
#include "spec/stats.hpp"
#include "spec/usage.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// One container's counters at one moment.
struct Sample {
  std::int64_t time_ns = 0;      // monotonic
  std::uint64_t start_time = 0;  // of init: another container may have got the id
  spec::Status status = spec::Status::running;
  spec::Stats stats;
};

/// Pure. `before` is null for a container that is new.
spec::Usage usage_of(const std::string& id, const Sample* before, const Sample& now);

/// Follows the running and paused containers: all, or the named ones, as they come and go.
class UsageWatch {
 public:
  /// No names: all. Errors for a name: does_not_exist; wrong_state when it is not running.
  UsageWatch(const Globals& globals, std::vector<std::string> ids);
  /// Takes a sample of each; what they use since the sample before. Sorted by id. Rates are absent for
  /// containers that are new, and in the first call.
  std::vector<spec::Usage> next();
  /// Readable when a named container has ended; next() takes them away.
  const std::vector<sys::UniqueFd>& ends() const { return inits_; }
  /// True when containers were named and none of them runs any more.
  bool ended() const { return !ids_.empty() && samples_.empty(); }

 private:
  Globals globals_;
  std::vector<std::string> ids_;
  std::vector<sys::UniqueFd> inits_;       // of named containers
  std::map<std::string, Sample> samples_;  // by id
};

}  // namespace ocx::runtime
