#include "runtime/remove.hpp"

#include <signal.h>

#include <optional>

#include "cgroups/resctrl.hpp"
#include "runtime/hooks.hpp"
#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/status.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

constexpr int init_ms = 10'000;

/// Waits on the handle: works for children and strangers, reaped or not.
void kill_init(const Record& record, cgroups::Manager& cgroup) {
  const auto init = open_init(record);
  if (!init) return;
  sys::pidfd_send_signal(*init, SIGKILL);
  if (!record.own_pid_namespace) cgroup.kill_all();
  if (cgroup.frozen()) cgroup.thaw();  // a v1 freezer keeps even SIGKILL waiting
  if (!sys::pidfd_wait(*init, init_ms)) throw Error(messages::init_still_running);
}

void remove_cgroup(const Record& record, cgroups::Manager& cgroup) {
  // Before a process was recorded its create may have found the cgroup taken: whoever is inside is not ours
  // to kill.
  if (record.pid == 0)
    cgroup.remove_unused();
  else if (!record.created)
    cgroup.remove_unfinished();
  else
    cgroup.remove();
}

/// `cannot delete container X that is not stopped: running`
Error refusal(const std::string& id, spec::Status status) {
  std::string text = messages::cannot_delete;
  text.replace(text.find("%s"), 2, id);
  text.replace(text.rfind("%s"), 2, spec::status_name(status));
  Error error(text, ErrorKind::wrong_state);
  error.hint("stop it first, or use: ocx delete --force " + id);
  return error;
}

/// A created container is deleted without --force: containerd's shim counts on it. `creating` under the lock
/// is what a create that died has left.
bool needs_force(spec::Status status) {
  return status != spec::Status::stopped && status != spec::Status::created;
}

/// Nothing with --force: what is not there needs no deleting.
std::optional<StateDirectory> open_for_removal(const Globals& globals, const DeleteRequest& request) {
  try {
    return StateDirectory::open_locked(globals, request.id);
  } catch (const Error& error) {
    if (!request.force || error.kind() != ErrorKind::does_not_exist) throw;
    return std::nullopt;
  }
}

/// Without a usable record only the directory can go. A stray one (no record at all) goes even when that is
/// an error.
std::optional<Record> load_or_erase(StateDirectory& directory, bool force) {
  try {
    return directory.load();
  } catch (const Error& error) {
    const bool stray = error.kind() == ErrorKind::does_not_exist;
    if (!stray && !force) throw;
    if (!stray)
      sys::log_warning(std::string(error.message()) +
                       ": its processes and cgroups, if any, are left alone, ignoring");
    directory.erase();
    if (!force) throw;
    return std::nullopt;
  }
}

}  // namespace

void destroy(StateDirectory& directory, const Record& record) {
  const auto cgroup = open_cgroup(record);
  kill_init(record, *cgroup);
  remove_cgroup(record, *cgroup);
  cgroups::remove_resctrl(record.intel_rdt);
  directory.erase();
  if (record.poststop.empty()) return;
  const HookContext context{"poststop", to_state(record, spec::Status::stopped), record.bundle, {}};
  run_hooks_ignoring_failures(record.poststop, context);
}

void remove(const Globals& globals, const DeleteRequest& request) {
  std::optional<StateDirectory> directory = open_for_removal(globals, request);
  if (!directory) return;
  const std::optional<Record> record = load_or_erase(*directory, request.force);
  if (!record) return;
  if (!request.force) {
    const spec::Status status = live_status(*directory, *record);
    if (needs_force(status)) throw refusal(request.id, status);
  }
  destroy(*directory, *record);
}

}  // namespace ocx::runtime
