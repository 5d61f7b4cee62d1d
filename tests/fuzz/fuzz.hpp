// What fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sys/error.hpp"

namespace ocx::fuzz {

/// A rule of the target's: what breaks it is a finding.
inline void require(bool condition) {
  if (!condition) std::abort();
}

/// The first byte chooses the parser, the others are its text. An error is of one line. Returns what
/// LLVMFuzzerTestOneInput has to.
template <std::size_t Count>
int parse_one(void (*const (&parsers)[Count])(std::string_view), const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    parsers[data[0] % Count](text);
  } catch (const Error& error) {
    require(std::string(error.what()).find('\n') == std::string::npos);
  }
  return 0;
}

}  // namespace ocx::fuzz
