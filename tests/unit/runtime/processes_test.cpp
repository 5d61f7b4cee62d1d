#include "runtime/processes.hpp"

#include <catch2/catch.hpp>

#include "runtime/stats.hpp"
#include "sys/error.hpp"

using namespace ocx;
using namespace ocx::runtime;

TEST_CASE("the lines of ps with a member's pid", "[ps]") {
  struct Case {
    const char* name;
    const char* table;
    const char* expected;
  };
  const Case cases[] = {
      {"ps -ef",
       "UID        PID  PPID CMD\nroot         7     1 a 12\nroot        12     7 b\nroot       712     7 "
       "c\n",
       "UID        PID  PPID CMD\nroot         7     1 a 12\nroot        12     7 b\n"},
      {"a command with numbers to the left",
       "CMD          PID\nsleep 1000  7000\nsleep 7     7001\nx y z         12\n",
       "CMD          PID\nx y z         12\n"},
      {"left aligned, as busybox has it", "PID   USER     COMMAND\n7     root     a\n13    root     12\n",
       "PID   USER     COMMAND\n7     root     a\n"},
      {"a column too wide for its place", "USER     PID CMD\nveryverylong   7 a\n",
       "USER     PID CMD\nveryverylong   7 a\n"},
      {"nothing but the heading", "  PID\n", "  PID\n"},
      {"odd lines", "  PID CMD\n\nxx\n-7 a\n99999999999999999999 a\n4294967303 a\n    7 a",
       "  PID CMD\n    7 a\n"},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    CHECK(lines_of_pids(item.table, {7, 12}) == item.expected);
  }
}

TEST_CASE("ps output without the column PID is an error", "[ps]") {
  for (const char* table : {"", "\n", "CMD\na 7\n", "PPID XPID\n7 7\n"}) {
    INFO(table);
    CHECK_THROWS_WITH(lines_of_pids(table, {7}), Catch::Contains("couldn't find PID field in ps output"));
  }
}

namespace {

Sample sample(std::int64_t seconds, std::uint64_t cpu_seconds, std::uint64_t start_time = 1) {
  Sample made;
  made.time_ns = seconds * 1'000'000'000;
  made.start_time = start_time;
  made.stats.cpu.emplace().total = cpu_seconds * 1'000'000'000;
  return made;
}

}  // namespace

TEST_CASE("rates need two samples of one container", "[stats]") {
  const Sample first = sample(10, 3), second = sample(14, 5);
  CHECK_FALSE(usage_of("a", nullptr, second).cpu_percent);
  CHECK(usage_of("a", &first, second).cpu_percent == Approx(50).epsilon(0));
  CHECK_FALSE(usage_of("a", &first, second).throttled_percent);
  // The id was given to another container meanwhile.
  CHECK_FALSE(usage_of("a", &first, sample(14, 5, 2)).cpu_percent);
  // A counter that went back, a clock that stood still.
  CHECK(usage_of("a", &second, sample(15, 4)).cpu_percent == Approx(0));
  CHECK(usage_of("a", &second, sample(14, 6)).cpu_percent == Approx(0));
}

TEST_CASE("throttling is the share of the periods since", "[stats]") {
  Sample first = sample(1, 0), second = sample(2, 0);
  first.stats.cpu->periods = 100;
  first.stats.cpu->throttled_periods = 90;
  second.stats.cpu->periods = 110;
  second.stats.cpu->throttled_periods = 91;
  CHECK(usage_of("a", &first, second).throttled_percent == Approx(10));
  CHECK(usage_of("a", &second, second).throttled_percent == Approx(0));
}

TEST_CASE("memory is shown without what can be dropped, no limit as none", "[stats]") {
  Sample now = sample(1, 0);
  spec::MemoryStats& memory = now.stats.memory.emplace();
  memory.usage = {.limit = 9223372036854771712U, .usage = 100};
  memory.reclaimable = 30;
  now.stats.block_io.emplace().service_bytes = {
      {8, 0, "Read", 1}, {8, 0, "Write", 10}, {8, 0, "Sync", 100}, {9, 0, "Read", 2}};
  spec::Usage usage = usage_of("a", nullptr, now);
  CHECK(usage.memory == 70U);
  CHECK(usage.memory_reclaimable == 30U);
  CHECK_FALSE(usage.memory_limit);
  CHECK(usage.io_read == 3U);
  CHECK(usage.io_written == 10U);
  memory.reclaimable = 200;  // read a moment later
  memory.usage.limit = 1000;
  usage = usage_of("a", nullptr, now);
  CHECK(usage.memory == 0U);
  CHECK(usage.memory_limit == 1000U);
  CHECK_FALSE(usage.pids);
}
