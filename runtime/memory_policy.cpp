// linux.memoryPolicy (config-linux.md, "Memory policy").
#include "sys/memory_policy.hpp"

#include <cerrno>

#include "runtime/init_context.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

std::string policy_words(const spec::MemoryPolicy& policy) {
  std::string words(spec::name_of(spec::memory_policy_modes, policy.mode));
  for (const auto& [name, flag] : spec::memory_policy_flags)
    if ((policy.flags & flag) != 0) words += std::string("|") + std::string(name);
  return policy.nodes.empty() ? words : words + ", nodes " + policy.nodes;
}

const char* remedy(int error_number) {
  switch (error_number) {
    case ENOSYS:
      return "this kernel is built without NUMA: leave the policy out";
    case EPERM:
      return "a seccomp profile around ocx forbids it";
    case EINVAL:
      return "none of the nodes is there with memory the process may use "
             "(/sys/devices/system/node/has_memory, "
             "cpuset.mems), or the kernel is older than the policy: MPOL_PREFERRED_MANY is of Linux 5.15, "
             "MPOL_WEIGHTED_INTERLEAVE of 6.9";
    default:
      return "";
  }
}

}  // namespace

void execute(InitContext&, const step::SetMemoryPolicy& step) {
  const auto nodes = sys::parse_cpu_list(step.policy.nodes);
  if (!nodes && !step.policy.nodes.empty())
    throw Error(sys::quote(step.policy.nodes) + " is no list of nodes", ErrorKind::invalid_config);
  const int mode = step.policy.mode | static_cast<int>(step.policy.flags);
  const int error = sys::try_set_mempolicy(mode, nodes.value_or(std::vector<unsigned>{}));
  if (error == 0) return;
  Error failure = Error::from_errno("set_mempolicy " + policy_words(step.policy), error);
  throw failure.hint(remedy(error));
}

}  // namespace ocx::runtime
