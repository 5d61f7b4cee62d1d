#include "sys/signals.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace ocx::sys {
namespace {

/// The system call itself: glibc keeps 32 and 33 to itself, and a caller may have them ignored all the same.
void set_default(int signal) {
  constexpr std::size_t kernel_mask_size = 8;
  constexpr unsigned long kernel_default[4] =
      {};  // struct kernel_sigaction: SIG_DFL, no flags, an empty mask
  ::syscall(SYS_rt_sigaction, signal, kernel_default, nullptr, kernel_mask_size);
}

}  // namespace

void reset_signals(const Procfs& proc) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  const std::string status = proc.read("self/status");
  const std::size_t at = status.find("\nSigIgn:");
  const unsigned long long ignored =
      at == std::string::npos ? ~0ULL
                              : std::strtoull(status.c_str() + at + sizeof "\nSigIgn:" - 1, nullptr, 16);
  for (int signal = 1; signal <= 64; ++signal)
    if ((ignored >> (signal - 1) & 1U) != 0) set_default(signal);
}

}  // namespace ocx::sys
