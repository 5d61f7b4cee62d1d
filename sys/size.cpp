#include "sys/size.hpp"

#include <array>

namespace ocx::sys {

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  unsigned unit = 0;
  while (unit + 1 < units.size() && bytes >> (10 * (unit + 1)) != 0) ++unit;
  std::uint64_t whole = bytes >> (10 * unit);
  const std::uint64_t rest = unit == 0 ? 0 : bytes >> (10 * (unit - 1)) & 1023U;
  std::uint64_t tenths = (rest * 10 + 512) / 1024;
  if (tenths == 10) {
    ++whole;
    tenths = 0;
  }
  std::string text = std::to_string(whole);
  if (tenths != 0) text += "." + std::to_string(tenths);
  return text + units[unit];
}

}  // namespace ocx::sys
