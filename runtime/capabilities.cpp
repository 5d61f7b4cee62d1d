#include "runtime/capabilities.hpp"

#include <sys/prctl.h>

#include <cerrno>

#include "runtime/init_context.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {
namespace {

constexpr unsigned set_width = 64;

bool has(std::uint64_t set, unsigned capability) {
  return (set >> capability & 1U) != 0;
}

}  // namespace

bool raise_effective(unsigned capability) {
  sys::CapabilitySets sets = sys::capget();
  if (!has(sets.permitted, capability) || has(sets.effective, capability)) return false;
  sets.effective |= 1ULL << capability;
  sys::capset(sets);
  return true;
}

void execute(InitContext&, const step::NoNewPrivileges&) {
  sys::prctl("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1);
}

// One call a capability that has to go: dropping an absent one succeeds, and EINVAL marks the end of those
// the kernel knows.
void execute(InitContext&, const step::DropBounding& step) {
  for (unsigned capability = 0; capability < set_width; ++capability) {
    if (has(step.keep, capability)) continue;
    const int result = sys::try_prctl(PR_CAPBSET_DROP, capability);
    if (result == -EINVAL) return;
    // Without CAP_SETPCAP what is absent already is as good as dropped.
    if (result < 0 && sys::bounding_has(capability))
      throw Error::from_errno("prctl PR_CAPBSET_DROP " + spec::capability_name(capability), -result)
          .hint("dropping from the bounding set needs CAP_SETPCAP");
  }
}

void execute(InitContext&, const step::SetCapabilities& step) {
  sys::capset({step.sets.effective, step.sets.permitted, step.sets.inheritable});
  // What the caller's ambient set held must not reach the payload. EINVAL: no ambient set before Linux 4.3.
  const int cleared = sys::try_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  if (cleared < 0 && cleared != -EINVAL) throw_errno("prctl PR_CAP_AMBIENT_CLEAR_ALL", -cleared);
  for (unsigned capability = 0; capability < set_width; ++capability) {
    if (!has(step.sets.ambient, capability)) continue;
    const int result = sys::try_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability);
    if (result < 0)
      sys::log_warning("can't raise ambient capability " + spec::capability_name(capability) + ": " +
                       errno_text(-result) + ", ignoring");
  }
}

}  // namespace ocx::runtime
