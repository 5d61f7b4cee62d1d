#include "runtime/events.hpp"

#include <poll.h>

#include "cgroups/resctrl.hpp"
#include "cgroups/stats.hpp"
#include "runtime/status.hpp"
#include "spec/stats.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/socket.hpp"

namespace ocx::runtime {
namespace {

struct Running {
  Record record;
  sys::UniqueFd init;
};

[[noreturn]] void throw_not_running(const std::string& id) {
  // The words that scripts written for runc look for.
  throw Error("container with id " + id + " is not running", ErrorKind::wrong_state);
}

Running open_running(const Globals& globals, const std::string& id) {
  Record record = StateDirectory::open(globals, id).load();
  std::optional<sys::UniqueFd> init = open_init(record);
  if (!init || !record.created) throw_not_running(id);
  if (record.cgroup_paths.empty())
    throw Error("container " + id + " has no cgroup: nobody counts what it uses", ErrorKind::unsupported);
  return {std::move(record), std::move(*init)};
}

std::string figures(const Record& record) {
  spec::Stats stats = cgroups::read_stats(record.cgroup_paths);
  if (!record.intel_rdt.empty()) stats.intel_rdt = cgroups::read_resctrl_stats(record.intel_rdt);
  return spec::write_stats_event(record.id, stats);
}

std::optional<cgroups::OomWatch> watch_oom(const Record& record) {
  try {
    return std::optional<cgroups::OomWatch>(std::in_place, record.cgroup_paths);
  } catch (const Error& error) {
    sys::log_warning("watch for out of memory: " + std::string(error.what()) + ", ignoring");
    return std::nullopt;
  }
}

}  // namespace

std::string stats_event(const Globals& globals, const std::string& id) {
  return figures(open_running(globals, id).record);
}

EventStream::EventStream(const Globals& globals, const std::string& id, std::int64_t interval_ns)
    : timer_(interval_ns) {
  Running running = open_running(globals, id);
  record_ = std::move(running.record);
  init_ = std::move(running.init);
  oom_ = watch_oom(record_);
}

std::optional<std::vector<std::string>> EventStream::next(sys::FdRef reader) {
  if (ended_) return std::nullopt;
  // Nothing is awaited of the reader, but its end is always reported.
  std::vector<sys::PollEntry> entries{{init_, POLLIN}, {timer_.fd(), POLLIN}, {reader, 0}};
  if (oom_ && !oom_->ended())
    for (const sys::PollEntry& entry : oom_->entries()) entries.push_back(entry);
  sys::poll(entries, -1);
  if (entries[2].ready) return std::nullopt;
  ended_ = entries[0].ready;
  std::vector<std::string> lines;
  // First: the kernel counts an OOM before it kills, so that of an init that ended of it is known here.
  add_ooms(lines);
  if (!ended_ && timer_.take() > 0) add_figures(lines);
  return lines;
}

void EventStream::add_ooms(std::vector<std::string>& lines) {
  if (!oom_) return;
  for (long count = oom_->take(); count > 0; --count) lines.push_back(spec::write_oom_event(record_.id));
}

/// A container that ends while it is read is reported as ended by the next round.
void EventStream::add_figures(std::vector<std::string>& lines) const {
  try {
    lines.push_back(figures(record_));
  } catch (const Error&) {
    if (is_alive(record_.pid, record_.start_time)) throw;
  }
}

}  // namespace ocx::runtime
