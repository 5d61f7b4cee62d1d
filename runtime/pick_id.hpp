// The id of a container that nobody has named.
#pragma once

#include <string>
#include <vector>

#include "runtime/request.hpp"

namespace ocx::runtime {

/// The bundle's own name where no container has it, else with a dash and six random digits.
std::string pick_id(const Globals& globals, const std::string& bundle);

/// Pure: the last part of the path; what an id can't have becomes "-".
std::string id_of_bundle(const std::string& bundle);

}  // namespace ocx::runtime
