#include "sys/signal_fd.hpp"

#include <sys/signalfd.h>

#include <cerrno>
#include <ctime>

#include "sys/error.hpp"

namespace ocx::sys {
namespace {

// Ours when they come from us; abort(3) unblocks SIGABRT itself, so a SIGABRT from outside is forwarded like
// any other.
constexpr int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};

// A write to a closed pipe while we were blocking SIGPIPE gave EPIPE; its signal must not strike when the
// mask ends.
void discard_pending_sigpipe() {
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  const timespec now{};
  while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {
  }
}

}  // namespace

SignalFd::SignalFd(std::initializer_list<int> passed) {
  sigset_t blocked;
  ::sigfillset(&blocked);
  for (const int signal : passed) ::sigdelset(&blocked, signal);
  for (const int signal : own_faults) ::sigdelset(&blocked, signal);
  fd_.reset(::signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_) throw_errno("signalfd");
  if (::sigprocmask(SIG_BLOCK, &blocked, &saved_) != 0) throw_errno("sigprocmask");
}

SignalFd::~SignalFd() {
  if (::sigismember(&saved_, SIGPIPE) == 0) discard_pending_sigpipe();
  ::sigprocmask(SIG_SETMASK, &saved_, nullptr);
}

std::optional<int> SignalFd::take() const {
  signalfd_siginfo info{};
  ssize_t size = -1;
  while ((size = ::read(fd_.ref().raw(), &info, sizeof(info))) < 0 && errno == EINTR) {
  }
  if (size != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void take_default_action(int signal) {
  sigset_t one;
  ::sigemptyset(&one);
  ::sigaddset(&one, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::sigprocmask(SIG_BLOCK, &one, nullptr);
}

void clear_signal_mask() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void reset_signal(int signal) {
  ::signal(signal, SIG_DFL);
}

}  // namespace ocx::sys
