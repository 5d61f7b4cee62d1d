// Sizes in bytes as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace ocx::sys {

/// "0 B", "1023 B", "64 KiB", "1.5 GiB": the largest binary unit that leaves at least 1, with one digit after
/// the point where there is a remainder (rounded).
std::string size_text(std::uint64_t bytes);

}  // namespace ocx::sys
