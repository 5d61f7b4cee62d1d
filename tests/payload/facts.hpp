#pragma once

#include <string>

/// One JSON object with everything a process can know about itself; what /proc would tell is empty where it
/// is not mounted.
std::string facts();
