#include "runtime/start.hpp"

#include <cstdlib>
#include <optional>

#include "runtime/handshake.hpp"
#include "runtime/hooks.hpp"
#include "runtime/launch.hpp"
#include "runtime/limit_cause.hpp"
#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/remove.hpp"
#include "runtime/state_store.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

void check_startable(const Record& record, spec::Status status) {
  switch (status) {
    case spec::Status::creating:
      throw Error("container is still being created", ErrorKind::wrong_state);
    case spec::Status::running:
      throw Error(messages::already_running, ErrorKind::wrong_state);
    case spec::Status::paused:
      throw Error(messages::start_paused, ErrorKind::wrong_state).hint("first: ocx resume " + record.id);
    case spec::Status::stopped:
      throw Error(messages::already_stopped, ErrorKind::wrong_state);
    case spec::Status::created:
      break;
  }
  if (!record.has_process)
    throw Error("the configuration has no process to start", ErrorKind::invalid_config).at("/process");
}

/// Opens the gate and waits until the program is executed. Throws what init reports; `hook_failed` tells the
/// stage.
void open_gate(const StateDirectory& directory, bool& hook_failed) {
  Channel gate(directory.connect_gate());
  // From here on the container is no longer `created`: the name goes first, so that a `start` killed between
  // the two leaves an init that ends, not a container that claims to be startable.
  directory.close_gate();
  hook_failed = true;
  gate.send(MessageType::start);
  gate.expect(MessageType::ready);
  hook_failed = false;
  try {
    gate.receive();
  } catch (const PeerGone&) {
    return;  // close-on-exec: the program runs
  }
  throw Error("handshake: nothing was due after exec");
}

}  // namespace

void run_poststart(StateDirectory& directory, const Record& record) {
  if (record.poststart.empty()) return;
  try {
    HookContext context{"poststart", hook_state(record, spec::Status::running), record.bundle, {}};
    run_hooks(record.poststart, context);
  } catch (const Error&) {
    destroy(directory, record);  // runtime.md, lifecycle step 9: stop the container and go on at step 12
    throw;
  }
}

void start(const Globals& globals, const std::string& id) {
  StateDirectory directory = StateDirectory::open_locked(globals, id);
  const Record record = directory.load();
  check_startable(record, live_status(directory, record));

  std::optional<NotifyProxy> notify;
  const char* outer = std::getenv("NOTIFY_SOCKET");
  if (outer != nullptr && *outer != '\0' && record.notify) notify.emplace(directory.fd(), outer);

  bool hook_failed = false;
  try {
    open_gate(directory, hook_failed);
  } catch (const PeerGone& gone) {
    Error error =
        oom_kill_error(record.cgroup_paths, record.resources).value_or(gone).in(messages::start_failed);
    destroy(directory, record);
    throw error;
  } catch (Error& error) {
    blame_pids_limit(error, record.cgroup_paths, record.resources);
    error.in(messages::start_failed);
    if (hook_failed) destroy(directory, record);  // step 7: stop the container and go on at step 12
    throw;
  }
  run_poststart(directory, record);
  if (notify)
    if (const auto pidfd = sys::try_pidfd_open(record.pid)) notify->forward_until_ready(*pidfd, record.pid);
}

}  // namespace ocx::runtime
