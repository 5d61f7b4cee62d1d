// Time spans on the command line, as Go writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ocx::cmd {

/// "5s", "1m30s", "1.5h", "100ms" in nanoseconds; units h, m, s, ms, us, ns. Usage error: anything else, or
/// not more than 0.
std::int64_t duration_value(std::string_view option, std::string_view text);

}  // namespace ocx::cmd
