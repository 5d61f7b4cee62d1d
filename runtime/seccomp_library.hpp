// libseccomp, for the rules it knows best: conditions on arguments, calls behind socketcall(2) and ipc(2),
// and who wins when rules disagree.
#pragma once

#include "runtime/seccomp_rules.hpp"
#include "runtime/seccomp_tree.hpp"
#include "spec/seccomp.hpp"

namespace ocx::runtime {

/// The filter of these rules of the profile for one architecture alone. Errors carry the origin of the rule.
FilterProgram library_filter(const spec::Seccomp& profile, std::uint32_t architecture,
                             const std::vector<SeccompName>& names);

/// "2.5.4": what decides how names and conditions are understood.
std::string library_version();

}  // namespace ocx::runtime
