#include <sched.h>

#include "runtime/init_context.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

void execute(InitContext& ctx, const step::JoinCgroup& step) {
  ctx.channel.wait_for_cgroup();
  // cgroup_namespaces(7): the new namespace's root is the cgroup its maker is in at that moment.
  if (step.unshare) sys::unshare(CLONE_NEWCGROUP);
}

void execute(InitContext&, const step::SetHostname& step) {
  sys::sethostname(step.name);
}

void execute(InitContext&, const step::SetDomainname& step) {
  sys::setdomainname(step.name);
}

}  // namespace ocx::runtime
