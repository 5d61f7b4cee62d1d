// descriptors.json: what the standard streams of a dumped container were, kept beside criu's images.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ocx::spec {

/// A list of texts on one line.
std::string write_descriptors(const std::vector<std::string>& streams);
/// Error: no list of texts.
std::vector<std::string> parse_descriptors(std::string_view document);

}  // namespace ocx::spec
