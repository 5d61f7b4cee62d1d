#include "sys/signals.hpp"

#include <signal.h>

#include <cstdlib>
#include <string>

namespace ocx::sys {

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
    if ((ignored >> (signal - 1) & 1U) != 0) ::signal(signal, SIG_DFL);
}

}  // namespace ocx::sys
