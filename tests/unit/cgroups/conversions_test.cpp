#include "cgroups/conversions.hpp"

#include <catch2/catch.hpp>

using namespace ocx::cgroups;

TEST_CASE("shares become a weight on the curve through the three points", "[cgroups]") {
  struct Case {
    std::uint64_t shares, weight;
  };
  const Case cases[] = {{2, 1}, {1024, 100}, {262144, 10000}, {0, 1},      {1, 1},      {~0ULL, 10000},
                        {3, 2}, {100, 17},   {512, 59},       {1025, 101}, {2048, 174}, {4096, 303}};
  for (const Case& item : cases) {
    INFO(item.shares);
    CHECK(weight_from_shares(item.shares) == item.weight);
  }
  for (std::uint64_t shares = 2; shares < 262144; shares += 97)
    CHECK(weight_from_shares(shares) <= weight_from_shares(shares + 97));
}

TEST_CASE("weights of blkio become weights of io", "[cgroups]") {
  CHECK(io_weight_from_block_io(10) == 1);
  CHECK(io_weight_from_block_io(100) == 910);
  CHECK(io_weight_from_block_io(500) == 4950);
  CHECK(io_weight_from_block_io(1000) == 10000);
  CHECK(io_weight_from_block_io(1) == 1);
}

TEST_CASE("-1 is max, 0 is a number", "[cgroups]") {
  CHECK(number_or_max(-1) == "max");
  CHECK(number_or_max(0) == "0");
  CHECK(number_or_max(9223372036854775807) == "9223372036854775807");
}
