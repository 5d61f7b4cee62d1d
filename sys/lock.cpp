#include "sys/lock.hpp"

#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>

#include <cerrno>

#include "sys/clock.hpp"
#include "sys/error.hpp"

namespace ocx::sys {
namespace {

void on_alarm(int) {}

/// Interrupts the blocking call this thread is in: a SIGALRM at the time limit. Neither flock(2) nor
/// F_OFD_SETLKW has a time limit of its own, and a lock is nothing that poll(2) knows.
class AlarmAfter {
 public:
  explicit AlarmAfter(int milliseconds) {
    struct sigaction action {};
    action.sa_handler = on_alarm;  // without SA_RESTART: the call has to end
    ::sigaction(SIGALRM, &action, &old_action_);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &alarm, &old_mask_);
    // Repeats: the first one may come just before the call blocks.
    const itimerval timer{{0, 10'000}, {milliseconds / 1000, milliseconds % 1000 * 1000L}};
    ::setitimer(ITIMER_REAL, &timer, &old_timer_);
  }
  ~AlarmAfter() {
    ::setitimer(ITIMER_REAL, &old_timer_, nullptr);
    ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    ::sigaction(SIGALRM, &old_action_, nullptr);
  }
  AlarmAfter(const AlarmAfter&) = delete;
  AlarmAfter& operator=(const AlarmAfter&) = delete;

 private:
  struct sigaction old_action_ {};
  sigset_t old_mask_{};
  itimerval old_timer_{};
};

}  // namespace

bool lock_exclusive(FdRef fd, int timeout_ms) {
  if (::flock(fd.raw(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) throw_errno("flock");
  if (timeout_ms <= 0) return false;
  const Deadline deadline(timeout_ms);
  const AlarmAfter alarm(timeout_ms);
  while (::flock(fd.raw(), LOCK_EX) != 0) {
    if (errno != EINTR) throw_errno("flock");
    if (deadline.passed()) return false;
  }
  return true;
}

void unlock(FdRef fd) {
  if (::flock(fd.raw(), LOCK_UN) != 0) throw_errno("flock");
}

}  // namespace ocx::sys
