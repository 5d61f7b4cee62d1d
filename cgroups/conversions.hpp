// v1 scales to v2 scales. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace ocx::cgroups {

/// cpu.shares (2 to 262144, default 1024) to cpu.weight (1 to 10000, default 100): a curve through 2 -> 1,
/// 1024 -> 100, 262144 -> 10000. What lies outside counts as the nearest that does not, as in v1.
std::uint64_t weight_from_shares(std::uint64_t shares);

/// blkio.weight (10 to 1000) to io.weight (1 to 10000), linear. BFQ's own scale is v1's.
std::uint64_t io_weight_from_block_io(std::uint64_t weight);

/// -1 is "max".
std::string number_or_max(std::int64_t value);

}  // namespace ocx::cgroups
