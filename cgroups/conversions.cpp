#include "cgroups/conversions.hpp"

#include <algorithm>
#include <cmath>

namespace ocx::cgroups {

std::uint64_t weight_from_shares(std::uint64_t shares) {
  const double l = std::log2(static_cast<double>(std::clamp<std::uint64_t>(shares, 2, 262144)));
  const double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  // The three points are whole numbers, which rounding errors must not push up to the next.
  const double weight = std::ceil(std::pow(10, exponent) - 1e-6);
  return static_cast<std::uint64_t>(std::clamp(weight, 1.0, 10000.0));
}

std::uint64_t io_weight_from_block_io(std::uint64_t weight) {
  return 1 + (std::clamp<std::uint64_t>(weight, 10, 1000) - 10) * 9999 / 990;
}

std::string number_or_max(std::int64_t value) {
  return value == -1 ? "max" : std::to_string(value);
}

}  // namespace ocx::cgroups
