// Seccomp profiles for tests, and two oracles: libseccomp's own filter of the whole profile, and the kernel's
// way to read a filter.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/seccomp_compile.hpp"
#include "spec/seccomp.hpp"

namespace ocx::test {

using spec::SeccompAction;
using spec::SeccompArg;
using spec::SeccompOperator;

/// Of the size and shape of the engines' default profiles: about 400 names allowed on three architectures,
/// clone, personality and socket by their arguments, clone3 with ENOSYS, all else EPERM.
spec::Seccomp large_profile();

/// The profile's rules, all of them, given to libseccomp in one filter without a search tree.
runtime::FilterProgram reference_filter(const spec::Seccomp& profile);

/// One call.
seccomp_data call(std::uint32_t architecture, std::uint32_t number,
                  const std::vector<std::uint64_t>& args = {});
std::uint32_t answer(const runtime::FilterProgram& program, const seccomp_data& data);

/// The number of a name on an architecture, which must have it.
std::uint32_t number_of(const std::string& name, std::uint32_t architecture);

/// {{names}, action, errno, args} in one rule.
spec::SeccompSyscalls rule(std::vector<std::string> names, SeccompAction action,
                           std::vector<SeccompArg> args = {}, std::optional<std::uint32_t> errno_ret = {});

}  // namespace ocx::test
