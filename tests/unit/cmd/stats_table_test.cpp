#include "cmd/stats_table.hpp"

#include <catch2/catch.hpp>

#include "cmd/duration.hpp"
#include "sys/error.hpp"

using namespace ocx;
using namespace ocx::cmd;

namespace {

spec::Usage web() {
  spec::Usage usage;
  usage.id = "web";
  usage.cpu_percent = 123.46;
  usage.throttled_percent = 7.0;
  usage.memory = 62U << 20U;
  usage.memory_limit = 64U << 20U;
  usage.pids = 2;
  usage.io_read = 1536;
  return usage;
}

}  // namespace

TEST_CASE("the stats table", "[cmd]") {
  spec::Usage paused;
  paused.id = "db";
  paused.status = spec::Status::paused;
  const auto lines = stats_table({web(), paused}, {});
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        "ID      CPU       MEMORY / LIMIT    MEM  PIDS / LIMIT      READ   WRITTEN  THROTTLED  PSI CPU  PSI "
        "MEM  PSI IO");
  CHECK(lines[1] ==
        "web  123.5%      62 MiB / 64 MiB  96.9%         2 / -   1.5 KiB         -       7.0%        -       "
        " -       -");
  CHECK(lines[2] ==
        "db   paused                    -      -             -         -         -          -        -       "
        " -       -");
}

TEST_CASE("the stats table fits any width", "[cmd]") {
  spec::Usage usage = web();
  usage.id = std::string(64, 'a');
  for (std::size_t width = 1; width < 200; ++width) {
    const auto lines = stats_table({usage, web()}, {.width = width});
    for (const std::string& line : lines) {
      INFO(width << ": " << line);
      CHECK(line.size() <= std::max<std::size_t>(width, 2));
    }
  }
  const std::string narrow = stats_table({usage}, {.width = 60})[0];
  CHECK(narrow.find("MEMORY / LIMIT") != std::string::npos);
  CHECK(narrow.find("PSI") == std::string::npos);
  CHECK(stats_table({usage}, {.width = 120})[1].find("aaaaaaa~ ") != std::string::npos);
}

TEST_CASE("colours are for what needs a look, and only when asked for", "[cmd]") {
  const std::string plain = stats_table({web()}, {})[1];
  CHECK(plain.find('\x1b') == std::string::npos);
  const std::string coloured = stats_table({web()}, {.colours = true})[1];
  CHECK(coloured.find("\x1b[31m96.9%\x1b[0m") != std::string::npos);
  CHECK(coloured.find("\x1b[33m     7.0%\x1b[0m") != std::string::npos);
  spec::Usage calm = web();
  calm.memory = 1;
  calm.throttled_percent = 0.0;
  CHECK(stats_table({calm}, {.colours = true})[1].find('\x1b') == std::string::npos);
}

TEST_CASE("sizes for people", "[cmd]") {
  struct Case {
    std::uint64_t bytes;
    const char* text;
  };
  for (const Case& item : {Case{0, "0 B"},
                           {1, "1 B"},
                           {1023, "1023 B"},
                           {1024, "1 KiB"},
                           {1536, "1.5 KiB"},
                           {1048575, "1 MiB"},
                           {67108864, "64 MiB"},
                           {104857600, "100 MiB"},
                           {104857599, "100 MiB"},
                           {1610612736, "1.5 GiB"},
                           {UINT64_MAX, "16 EiB"}})
    CHECK(readable_size(item.bytes) == item.text);
}

TEST_CASE("durations as Go writes them", "[cmd]") {
  struct Case {
    const char* text;
    std::int64_t nanoseconds;
  };
  for (const Case& item : {Case{"5s", 5'000'000'000},
                           {"500ms", 500'000'000},
                           {"1m30s", 90'000'000'000},
                           {"1.5h", 5'400'000'000'000},
                           {".5s", 500'000'000},
                           {"1.s", 1'000'000'000},
                           {"+2s", 2'000'000'000},
                           {"10us", 10'000},
                           {"10\u00b5s", 10'000},
                           {"1ns", 1}})
    CHECK(duration_value("interval", item.text) == item.nanoseconds);
  for (const char* text : {"", "5", "s", "0s", "0", "-1s", "1x", "1.2.3s", ".s", "1 s", "s5", "1e3s", "0.1ns",
                           "9999999999999h", "+", "5s "}) {
    INFO(text);
    CHECK_THROWS_AS(duration_value("interval", text), Error);
  }
}
