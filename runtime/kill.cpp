#include <signal.h>

#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/state_store.hpp"
#include "runtime/status.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

void signal_cgroup(cgroups::Manager& cgroup, int signal) {
  if (signal == SIGKILL)
    cgroup.kill_all();
  else
    cgroup.signal_all(signal);
}

/// So that after `kill ID KILL` the state says stopped; an init that is stuck in the kernel is not waited
/// for.
constexpr int death_ms = 200;

/// To init alone. False when it has ended.
bool signal_init(const Record& record, int signal) {
  const auto init = open_init(record);
  return init && sys::pidfd_send_signal(*init, signal);
}

/// Without a pid namespace of its own the container's other processes outlive init: SIGKILL then means all of
/// them.
void kill_one(const Record& record, int signal) {
  const auto init = open_init(record);
  if (!init || !sys::pidfd_send_signal(*init, signal))
    throw Error(messages::not_running, ErrorKind::wrong_state);
  if (signal != SIGKILL) return;
  const auto cgroup = open_cgroup(record);
  if (!record.own_pid_namespace) cgroup->kill_all();
  // A v1 freezer keeps even SIGKILL waiting. After the signal, so that nothing of the container runs in
  // between.
  if (cgroup->frozen()) cgroup->thaw();
  if (sys::pidfd_wait(*init, death_ms)) return;
  if (cgroup->frozen()) cgroup->thaw();  // a `pause` at the same time, since a kill waits for nobody's lock
}

/// What is left of a stopped container counts, too; that nothing is left is no error.
void kill_every_one(const Record& record, int signal) {
  const auto cgroup = open_cgroup(record);
  signal_cgroup(*cgroup, signal);
  if (cgroup->paths().empty()) signal_init(record, signal);
}

}  // namespace

void kill(const Globals& globals, const KillRequest& request) {
  const StateDirectory directory = StateDirectory::open(globals, request.id);
  const Record record = directory.load();
  // runtime.md "Kill": only a created or running container; and an engine that gave up on create uses `delete
  // --force`.
  if (!record.created) check_has_process(request.id, spec::Status::creating);
  const int signal = request.signal.value_or(spec::parse_signal(record.stop_signal).value_or(SIGTERM));
  if (request.all)
    kill_every_one(record, signal);
  else
    kill_one(record, signal);
}

}  // namespace ocx::runtime
