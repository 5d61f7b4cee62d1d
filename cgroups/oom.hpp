// Processes that a container's limits have ended, or kept from being made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroups/manager.hpp"
#include "sys/event_fd.hpp"
#include "sys/kernel_file.hpp"
#include "sys/socket.hpp"

namespace ocx::cgroups {

/// How many processes of the container the kernel has killed for want of memory so far (memory.events,
/// memory.oom_control: "oom_kill"); on v2 those of child cgroups count, on v1 they don't. Nothing when
/// it is not known: no memory controller, or the cgroup is gone (systemd removes an empty scope at once).
std::optional<long> oom_kills(const Paths& paths);

/// How often a process or thread was refused for pids.max ("max" of pids.events). Nothing when it is not
/// known.
std::optional<long> pids_refused(const Paths& paths);

/// Tells when the container runs out of memory. v2: memory.events announces its changes; v1: an eventfd on
/// memory.oom_control (cgroup-v1/memory.rst, 10. "OOM Control"). Reports nothing that was before.
class OomWatch {
 public:
  /// Error unsupported: the container has no memory controller. Error failed: it has no cgroup any more.
  explicit OomWatch(const Paths& paths);
  /// What to poll for; then take() has something to look at.
  std::vector<sys::PollEntry> entries() const;
  /// New events, without waiting: v2 killed processes, v1 times that a limit was hit with nothing left to
  /// reclaim (of one that contains the container, too).
  long take();
  /// The cgroup is gone; nothing will come any more, and entries() are ready for ever.
  bool ended() const { return ended_; }

 private:
  struct Counts {  // of memory.events
    long hits = 0, kills = 0;
    static Counts of(std::string_view memory_events);
  };
  void watch_v1(const std::string& directory);
  void watch_v2(const std::string& directory);
  long take_v1();
  long take_v2(std::string_view text);
  long last_hits(long hits) const;

  std::optional<sys::EventFd> hits_;     // v1
  std::optional<sys::KernelFile> file_;  // memory.events or memory.oom_control
  Counts counted_;
  bool hit_without_kill_ = false;
  // v2: the cgroup above counts the kills of those below, and stays.
  std::optional<sys::KernelFile> parent_;
  long parent_kills_ = 0;
  bool ended_ = false;
};

}  // namespace ocx::cgroups
