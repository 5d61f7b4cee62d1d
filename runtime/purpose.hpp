// What steps are for, in a short clause each, and their names for programs: what `ocx explain` adds to
// describe().
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/plan.hpp"

namespace ocx::runtime {

/// What a namespace of this CLONE_NEW* flag isolates. Empty for an unknown one.
std::string_view purpose_of_namespace(std::uint64_t flag);
/// What the mount gives to the program, known by its type. Empty for a bind mount or an unknown type.
std::string_view purpose_of(const step::Mount& mount);
/// Why the step is taken, where its words do not say so. May be empty.
std::string_view purpose_of(const InitAction& action);
/// What a value in this file of a cgroup limits. May be empty.
std::string_view purpose_of_file(std::string_view file);
/// The step's type as a word that stays: "mount", "set-user".
std::string_view kind_of(const InitAction& action);
std::string_view kind_of(const ParentAction& action);

}  // namespace ocx::runtime
