#include <cerrno>

#include "runtime/init_context.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

void execute(InitContext& context, const step::SelinuxLabel& step) {
  const std::string file = context.proc_self + "/attr/exec";
  const int error_number = context.proc.try_write(file, step.label);
  if (error_number == 0) return;
  // In backquotes: podman knows errors of labels by it.
  Error error = Error::from_errno("SELinux label " + sys::quote(step.label) + ": write `/proc/" + file + "`",
                                  error_number);
  if (error_number == EINVAL) error.hint("the loaded policy does not know that label");
  if (error_number == EACCES) error.hint("the policy must allow ocx's domain to setexec");
  if (error_number == EXDEV) error.hint("something is mounted over that part of /proc");
  throw error;
}

}  // namespace ocx::runtime
