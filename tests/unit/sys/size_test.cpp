#include "sys/size.hpp"

#include <catch2/catch.hpp>

using ocx::sys::size_text;

TEST_CASE("sizes in the largest unit that leaves at least one", "[size]") {
  const struct {
    std::uint64_t bytes;
    const char* text;
  } cases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1 KiB"},
      {65536, "64 KiB"},
      {1536, "1.5 KiB"},
      {1024 * 1024 - 1, "1024 KiB"},
      {1024 * 1024, "1 MiB"},
      {10 * 1024 * 1024 + 51 * 1024, "10 MiB"},
      {10 * 1024 * 1024 + 52 * 1024, "10.1 MiB"},
      {3ULL << 40, "3 TiB"},
      {~0ULL, "16 EiB"},
  };
  for (const auto& c : cases) CHECK(size_text(c.bytes) == c.text);
}
