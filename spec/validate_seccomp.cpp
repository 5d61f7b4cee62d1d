// config-linux.md, "Seccomp".
#include "spec/names.hpp"
#include "spec/validate_parts.hpp"

namespace ocx::spec {
namespace {

// "If the action does not support a return code, an error MUST be printed and fail"; the kernel has MAX_ERRNO
// for errno, and 16 bits of data for a tracer.
void check_errno(SeccompAction action, std::optional<std::uint32_t> value, const std::string& origin) {
  if (!value) return;
  const bool takes = action == SeccompAction::errno_ || action == SeccompAction::trace;
  if (!takes)
    throw broken(std::string(name_of(seccomp_actions, action)) + " takes no errno", origin)
        .hint("remove it, or use SCMP_ACT_ERRNO");
  const std::uint32_t highest = action == SeccompAction::trace ? 0xffff : 4095;
  if (*value > highest)
    throw broken(std::to_string(*value) + " is out of range 0.." + std::to_string(highest), origin);
}

void check_notify(const Seccomp& seccomp, SeccompAction action, const std::string& origin) {
  if (action == SeccompAction::notify && seccomp.listener_path.empty())
    throw broken("SCMP_ACT_NOTIFY needs somebody to notify", origin)
        .hint("set /linux/seccomp/listenerPath to the agent's socket");
}

}  // namespace

void validate_seccomp(const Seccomp& seccomp) {
  const std::string base = "/linux/seccomp";
  if (seccomp.default_action == SeccompAction::notify)
    throw broken("SCMP_ACT_NOTIFY as default would stop even the call that hands over the listener",
                 base + "/defaultAction");
  check_errno(seccomp.default_action, seccomp.default_errno_ret, base + "/defaultErrnoRet");
  if (!seccomp.listener_metadata.empty() && seccomp.listener_path.empty())
    throw broken("listenerMetadata without a listenerPath has no reader", base + "/listenerMetadata");
  for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
    const SeccompSyscalls& rule = seccomp.syscalls[i];
    const std::string place = pointer(base + "/syscalls", i);
    check_notify(seccomp, rule.action, place + "/action");
    check_errno(rule.action, rule.errno_ret, place + "/errnoRet");
  }
}

}  // namespace ocx::spec
