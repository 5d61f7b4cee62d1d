// The document of `ocx features` (features.md, features-linux.md): what this build executes, the same on
// every host.
#pragma once

#include <string>
#include <string_view>

namespace ocx::spec {

/// Four-space indent, with a final newline. `version` and `commit` become annotations.
std::string write_features(std::string_view version, std::string_view commit);

}  // namespace ocx::spec
