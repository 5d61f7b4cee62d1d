// A seccomp profile sorted for the compiler: which system calls of an architecture are decided by their
// number alone, and which rules look at arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/seccomp.hpp"

namespace ocx::runtime {

/// The value a filter returns for an action (seccomp(2), SECCOMP_RET_*); libseccomp's SCMP_ACT_* are the same
/// numbers. Without an errno it is EPERM.
std::uint32_t filter_action(spec::SeccompAction action, std::optional<std::uint32_t> errno_ret);

/// One name of one rule.
struct SeccompName {
  std::size_t rule = 0;  // index in Seccomp::syscalls
  std::string name;
};

struct ArchitectureRules {
  std::uint32_t token = 0;                         // SCMP_ARCH_*
  std::map<std::uint32_t, std::uint32_t> decided;  // number -> action, whatever the arguments
  std::vector<SeccompName> conditional;            // what libseccomp decides, in the document's order
  std::optional<std::uint32_t> highest;            // number the profile mentions
};

/// The architectures whose calls this machine can meet, the native one first: it always belongs to them,
/// other machines' are left out. Names libseccomp does not know are skipped, or with `fail_unknown` an error
/// with their origin.
std::vector<ArchitectureRules> sort_rules(const spec::Seccomp& profile, bool fail_unknown);

}  // namespace ocx::runtime
