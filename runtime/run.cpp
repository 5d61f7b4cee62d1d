#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "cgroups/oom.hpp"
#include "runtime/console.hpp"
#include "runtime/launch.hpp"
#include "runtime/limit_cause.hpp"
#include "runtime/operations.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/remove.hpp"
#include "runtime/start.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/signal_fd.hpp"
#include "sys/terminal.hpp"

namespace ocx::runtime {
namespace {

std::optional<NotifyProxy> make_notify(Launch& launch) {
  const char* outer = std::getenv("NOTIFY_SOCKET");
  if (outer == nullptr || *outer == '\0' || !launch.record().notify) return std::nullopt;
  return std::optional<NotifyProxy>(std::in_place, launch.directory().fd(), outer);
}

void begin(Launch& launch) {
  std::optional<NotifyProxy> notify = make_notify(launch);
  launch.commit();
  if (launch.console().raw() >= 0) ForegroundRelay::set_size(launch.console());
  launch.start();
  run_poststart(launch.directory(), launch.record());
  if (notify) notify->forward_until_ready(launch.pidfd(), launch.record().pid);
}

/// systemd removes a scope with its last process, and the counters too. There they are watched from the
/// start; elsewhere they can be read at the end, which costs nothing when all goes well.
std::optional<cgroups::OomWatch> watch_oom(const Record& record) {
  if (record.cgroup_unit.empty() || !record.resources.memory || !record.resources.memory->limit)
    return std::nullopt;
  try {
    return std::optional<cgroups::OomWatch>(std::in_place, record.cgroup_paths);
  } catch (const Error&) {
    return std::nullopt;  // no memory controller, or the container has ended already
  }
}

/// The exit status of a payload that the OOM killer ended is that of any SIGKILL: the person at the terminal
/// is told the difference, but only when the kernel's counter says so. Anybody may have sent a signal by now.
void warn_of_oom_kill(const Record& record, std::optional<cgroups::OomWatch>& watch) {
  const long last_seen = watch ? watch->take() : 0;
  if (cgroups::oom_kills(record.cgroup_paths).value_or(last_seen) == 0) return;
  if (const auto cause = oom_kill_error(record.cgroup_paths, record.resources))
    sys::log_warning(cause->what());
}

void silence_standard_streams() {
  const sys::FdResult null = sys::try_openat(sys::FdRef::cwd(), "/dev/null", O_RDWR);
  if (null) sys::replace_standard_streams(null.fd);
}

/// Stays behind a detached `run --rm`: the container is deleted by whoever waits for it. Messages can go to
/// --log only.
[[noreturn]] void remove_at_end(Launch& launch) noexcept {
  try {
    sys::setsid();
    silence_standard_streams();
    const sys::SignalFd not_for_us({SIGTERM});
    sys::pidfd_wait(launch.pidfd(), -1);
    if (launch.directory().relock()) destroy(launch.directory(), launch.record());
  } catch (const std::exception& error) {
    sys::log_warning(error.what());
  }
  ::_exit(0);
}

int run_detached(const Globals& globals, const RunRequest& request) {
  Launch launch(globals, request.create, {.gate = false, .foreground = false});
  begin(launch);
  if (!request.remove) return 0;
  launch.directory().unlock();  // a lock of ours would be the remover's too, as long as it lives
  if (sys::clone3(0).pid == 0) remove_at_end(launch);
  return 0;
}

}  // namespace

int run(const Globals& globals, const RunRequest& request) {
  check_id(request.create.id);
  sanitise_inherited(request.create.preserve_fds + listen_fds());
  if (request.detach) return run_detached(globals, request);
  // Orphans of a container without a pid namespace of its own come to us, not to whoever started us.
  if (!request.no_subreaper) sys::prctl("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1);
  ForegroundRelay relay;  // before the clone: a signal that comes meanwhile is for the container
  Launch launch(globals, request.create, {.gate = false, .foreground = true});
  std::optional<cgroups::OomWatch> oom = watch_oom(launch.record());
  begin(launch);
  launch.directory().unlock();  // the container may run for days, and be killed or deleted by others
  const sys::ExitStatus status = relay.wait(launch.pidfd(), launch.take_console());
  if (status.signal == SIGKILL) warn_of_oom_kill(launch.record(), oom);
  if (!request.keep && launch.directory().relock()) destroy(launch.directory(), launch.record());
  return status.shell_status();
}

}  // namespace ocx::runtime
