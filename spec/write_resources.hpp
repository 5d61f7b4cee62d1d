// Resources -> the JSON object of config.json's `linux.resources`.
#pragma once

#include <string>

#include "spec/resources.hpp"

namespace ocx::spec {

/// parse_resources() reads it back to the same. Error: text that is no UTF-8.
std::string write_resources(const Resources& resources);

}  // namespace ocx::spec
