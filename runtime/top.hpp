// `top`: what each process of a container uses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/stats.hpp"

namespace ocx::runtime {

struct ProcessUse {
  int pid = 0;  // as the caller's pid namespace numbers it
  std::uint32_t uid = 0;
  char state = '?';                   // of proc_pid_stat(5): R, S, D, T, Z, …
  double cpu_seconds = 0;             // since it began
  std::optional<double> cpu_percent;  // of one processor, since the look before
  std::uint64_t memory = 0;           // resident bytes; what is shared counts for each
  std::string command;                // its words, or its name in brackets where it has none
};

/// The counters of one process at one moment.
struct ProcessCounters {
  char state = '?';
  std::uint64_t ticks = 0;  // of CPU time, user and system: 100 a second
  std::uint64_t start_time = 0;
  std::string name;
};
/// Pure: the text of /proc/PID/stat; nothing when it is not of that form.
std::optional<ProcessCounters> parse_process_stat(std::string_view text);

/// Follows the processes of one container.
class ProcessWatch {
 public:
  /// Errors: does_not_exist; wrong_state when it is not running.
  ProcessWatch(const Globals& globals, const std::string& id)
      : globals_(globals), id_(id), usage_(globals, {id}) {}

  /// Looks again: who uses most CPU first, then by pid. Processes that end meanwhile are left out.
  void sample();
  const std::vector<ProcessUse>& processes() const { return processes_; }
  /// Of the container as a whole; nothing once it has ended.
  const std::optional<spec::Usage>& usage() const { return whole_; }
  bool ended() const { return usage_.ended(); }
  const std::vector<sys::UniqueFd>& ends() const { return usage_.ends(); }

 private:
  struct Before {
    std::uint64_t ticks = 0, start_time = 0;
  };
  std::optional<ProcessUse> look_at(int pid, double seconds);

  Globals globals_;
  std::string id_;
  UsageWatch usage_;
  std::optional<spec::Usage> whole_;
  std::vector<ProcessUse> processes_;
  std::map<int, Before> before_, now_;
  std::int64_t time_ns_ = 0;  // of the last look
};

}  // namespace ocx::runtime
