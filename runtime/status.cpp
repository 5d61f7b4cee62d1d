#include "runtime/status.hpp"

#include "runtime/messages.hpp"
#include "runtime/state_store.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

bool is_dead(char state) {
  return state == 'Z' || state == 'X' || state == 'x';
}

}  // namespace

cgroups::Driver to_driver(CgroupDriver driver) {
  switch (driver) {
    case CgroupDriver::systemd:
      return cgroups::Driver::systemd;
    case CgroupDriver::disabled:
      return cgroups::Driver::disabled;
    case CgroupDriver::cgroupfs:
      break;
  }
  return cgroups::Driver::cgroupfs;
}

std::unique_ptr<cgroups::Manager> open_cgroup(const Record& record) {
  return cgroups::open_manager(to_driver(record.cgroup_driver), record.cgroup_paths, record.cgroups_made,
                               record.cgroup_unit);
}

bool is_alive(int pid, std::uint64_t start_time) {
  if (pid <= 0) return false;
  const auto stat = sys::process_stat(pid);
  return stat && !is_dead(stat->state) && stat->start_time == start_time;
}

std::optional<sys::UniqueFd> open_init(const Record& record) {
  if (record.pid <= 0) return std::nullopt;
  std::optional<sys::UniqueFd> pidfd = sys::try_pidfd_open(record.pid);
  // In this order: the pid had the right start time after the handle was opened, so the handle is init's.
  if (!pidfd || !is_alive(record.pid, record.start_time)) return std::nullopt;
  return pidfd;
}

void check_has_process(const std::string& id, spec::Status status) {
  if (status == spec::Status::creating)
    throw Error("container is being created", ErrorKind::wrong_state)
        .hint("when its create has died: ocx delete --force " + id);
  if (status == spec::Status::stopped) throw Error(messages::not_running, ErrorKind::wrong_state);
}

spec::Status live_status(const StateDirectory& directory, const Record& record) {
  if (!record.created) return spec::Status::creating;
  if (!is_alive(record.pid, record.start_time)) return spec::Status::stopped;
  if (open_cgroup(record)->frozen()) return spec::Status::paused;
  return directory.has_gate() ? spec::Status::created : spec::Status::running;
}

spec::State to_state(const Record& record, spec::Status status) {
  spec::State state;
  state.id = record.id;
  state.status = status;
  state.pid = status == spec::Status::stopped ? 0 : record.pid;
  state.bundle = record.bundle;
  state.annotations = record.annotations;
  state.rootfs = record.rootfs;
  state.created = record.created_at;
  return state;
}

}  // namespace ocx::runtime
