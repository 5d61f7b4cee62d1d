// The rules of the specification that types alone don't express and that need no look at the machine. What
// the kernel would refuse much later with a bare EINVAL is refused here with the place and the reason.
#pragma once

#include <string_view>

#include "spec/config.hpp"
#include "spec/parse.hpp"

namespace ocx::spec {

/// Throws Error (invalid_config, or unsupported where no kernel can do it) with the JSON pointer of the first
/// broken rule.
void validate(const Config& config, Warnings& warnings);

/// The same for parts; `base` is the JSON pointer of the part in its document ("" when it is the document).
void validate_process(const Process& process, std::string_view base, Warnings& warnings);
void validate_resources(const Resources& resources, std::string_view base);

}  // namespace ocx::spec
