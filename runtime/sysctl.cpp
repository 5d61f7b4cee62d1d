#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

// By the trusted procfs, which shows the writer's own network, IPC and UTS namespaces: nothing of the image
// is walked (CVE-2025-52881).
void execute(InitContext& context, const step::Sysctl& step) {
  const int error = context.proc.try_write("sys/" + step.path, step.value);
  if (error == 0) return;
  Error failure =
      Error::from_errno("write sysctl " + sys::quote(step.path) + " = " + sys::quote(step.value), error);
  if (error == ENOENT) failure.hint("this kernel has no such setting, or not in a namespace of its own");
  if (error == EINVAL) failure.hint("the kernel does not take that value");
  if (error == EROFS || error == EXDEV)
    failure.hint("the host's /proc/sys is read-only or has something mounted over it");
  throw failure;
}

}  // namespace ocx::runtime
