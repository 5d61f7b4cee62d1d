#include "cgroups/oom.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cgroups/controller.hpp"
#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::cgroups {
namespace {

constexpr auto here = sys::FdRef::cwd();
/// A cgroup's memory controller is taken down tens of milliseconds after its directory.
constexpr int farewell_ms = 500;

std::optional<long> counter(const std::optional<ControllerDirectory>& directory, const char* v1_file,
                            const char* v2_file, std::string_view key) {
  if (!directory) return std::nullopt;
  const auto text = read_cgroup_file(here, directory->path + "/" + (directory->v2 ? v2_file : v1_file));
  if (!text) return std::nullopt;
  return flat_value(*text, key);
}

/// Nothing when the cgroup is gone.
std::optional<std::string> read(const sys::KernelFile& file) {
  try {
    return file.read();
  } catch (const Error& error) {
    if (error.error_number() == ENODEV) return std::nullopt;
    throw;
  }
}

long kills_in(const std::optional<sys::KernelFile>& events) {
  const auto text = events ? read(*events) : std::nullopt;
  return text ? flat_value(*text, "oom_kill") : 0;
}

}  // namespace

std::optional<long> oom_kills(const Paths& paths) {
  return counter(find_controller(paths, "memory"), "memory.oom_control", "memory.events", "oom_kill");
}

std::optional<long> pids_refused(const Paths& paths) {
  return counter(find_controller(paths, "pids"), "pids.events", "pids.events", "max");
}

OomWatch::OomWatch(const Paths& paths) {
  const auto directory = find_controller(paths, "memory");
  if (!directory) throw Error("the container has no memory cgroup", ErrorKind::unsupported);
  if (directory->v2)
    watch_v2(directory->path);
  else
    watch_v1(directory->path);
}

OomWatch::Counts OomWatch::Counts::of(std::string_view memory_events) {
  return {flat_value(memory_events, "oom"), flat_value(memory_events, "oom_kill")};
}

std::vector<sys::PollEntry> OomWatch::entries() const {
  if (hits_) return {{hits_->fd(), POLLIN}};
  // A file of cgroupfs is readable all the time; that it changed is exceptional (cgroups(7): POLLPRI).
  std::vector<sys::PollEntry> entries{{file_->fd(), POLLPRI}};
  if (parent_) entries.push_back({parent_->fd(), POLLPRI});
  return entries;
}

void OomWatch::watch_v1(const std::string& directory) {
  sys::UniqueFd control = sys::openat(here, directory + "/memory.oom_control", O_RDONLY);
  hits_.emplace();
  sys::write_file(here, directory + "/cgroup.event_control",
                  std::to_string(hits_->fd().raw()) + " " + std::to_string(control.ref().raw()));
  file_.emplace(std::move(control));
}

void OomWatch::watch_v2(const std::string& directory) {
  file_.emplace(sys::openat(here, directory + "/memory.events", O_RDONLY));
  sys::FdResult parent = sys::try_openat(here, directory + "/../memory.events", O_RDONLY);
  if (parent) parent_.emplace(std::move(parent.fd));  // the root has none
  take();
  hit_without_kill_ = false;
}

long OomWatch::take() {
  if (ended_) return 0;
  // In this order a kill that comes in between is at worst told twice, never lost.
  const long parent_kills = kills_in(parent_);
  const auto text = read(*file_);
  ended_ = !text;
  const bool parent_rose = parent_kills > std::exchange(parent_kills_, parent_kills);
  if (hits_) return take_v1();
  if (text) return take_v2(*text);
  // The kernel announces at most one change in 10 ms: of a cgroup that is removed right after (systemd does
  // that) it may have told that the limit was hit, and not yet of the kill that follows. The parent's count
  // is as good, but for a sibling with the same fate in these 10 ms.
  return hit_without_kill_ || parent_rose ? 1 : 0;
}

long OomWatch::take_v1() {
  const auto hits = static_cast<long>(hits_->take());
  return ended_ && hits > 0 ? last_hits(hits) : hits;
}

long OomWatch::take_v2(std::string_view text) {
  const Counts before = std::exchange(counted_, Counts::of(text));
  const long kills = std::max(0L, counted_.kills - before.kills);
  hit_without_kill_ = kills == 0 && (counted_.hits > before.hits || hit_without_kill_);
  return kills;
}

/// The kernel also signals the eventfd to say that the cgroup is gone, some time after its files have
/// vanished. So one signal is not to be counted, and the question is only whether it is among those that
/// came.
long OomWatch::last_hits(long hits) const {
  if (sys::poll_readable({hits_->fd()}, farewell_ms) == 0) hits += static_cast<long>(hits_->take());
  return std::max(0L, hits - 1);
}

}  // namespace ocx::cgroups
