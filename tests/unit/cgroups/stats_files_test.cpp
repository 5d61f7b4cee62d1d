#include "cgroups/stats_files.hpp"

#include <catch2/catch.hpp>

using namespace ocx::cgroups;
using ocx::spec::BlockIoStats;
using ocx::spec::CpuStats;
using ocx::spec::unlimited;

TEST_CASE("one figure", "[cgroups]") {
  struct Case {
    const char* text;
    std::uint64_t value;
  };
  for (const Case& item : {Case{"42\n", 42},
                           {"42", 42},
                           {"0\n", 0},
                           {"max\n", unlimited},
                           {"-1\n", unlimited},
                           {"18446744073709551615\n", UINT64_MAX},
                           {"18446744073709551616\n", 0},
                           {"", 0},
                           {"\n", 0},
                           {"-", 0},
                           {"x\n", 0},
                           {"4 2\n", 0},
                           {" 42\n", 0}}) {
    INFO(item.text);
    CHECK(parse_figure(item.text) == item.value);
  }
}

TEST_CASE("keys with a figure", "[cgroups]") {
  using Flat = std::map<std::string, std::uint64_t>;
  CHECK(parse_flat("anon 4096\nfile 0\nmax 18446744073709551615") ==
        Flat{{"anon", 4096}, {"file", 0}, {"max", UINT64_MAX}});
  CHECK(parse_flat("a 1\n\nb\nc x\nd 1 2\n e 5\na 3\n") == Flat{{"a", 3}, {"e", 5}});
  CHECK(parse_flat("").empty());
  CHECK(parse_flat(std::string("\0 1\n", 4)).size() == 1);
}

TEST_CASE("figures of each processor", "[cgroups]") {
  CHECK(parse_figures("4777141 9259314 \n") == std::vector<std::uint64_t>{4777141, 9259314});
  CHECK(parse_figures("").empty());
  CHECK(parse_figures("1 x 2") == std::vector<std::uint64_t>{1, 2});
  CpuStats cpu;
  parse_usage_all("cpu user system\n0 11 12\n1 21 22\n2 x 1\n3 1\n", cpu);
  CHECK(cpu.percpu_user == std::vector<std::uint64_t>{11, 21});
  CHECK(cpu.percpu_kernel == std::vector<std::uint64_t>{12, 22});
}

TEST_CASE("pressure", "[cgroups]") {
  const auto pressure = parse_pressure(
      "some avg10=69.50 avg60=18.79 avg300=4.22 total=12932991\n"
      "full avg10=67.95 avg60=18.08 avg300=4.05 total=12379364\n");
  REQUIRE(pressure);
  CHECK(pressure->some.avg10 == Approx(69.5));
  CHECK(pressure->some.avg60 == Approx(18.79));
  CHECK(pressure->some.avg300 == Approx(4.22));
  CHECK(pressure->some.total == 12932991);
  CHECK(pressure->full.avg10 == Approx(67.95));
  CHECK(pressure->full.total == 12379364);
  // cpu.pressure of older kernels has no "full" line.
  REQUIRE(parse_pressure("some avg10=100.00\n"));
  CHECK(parse_pressure("some avg10=100.00\n")->some.avg10 == Approx(100));
  CHECK(parse_pressure("some avg10=100.00\n")->full.total == 0);
  CHECK_FALSE(parse_pressure(""));
  CHECK_FALSE(parse_pressure("full avg10=1.00\n"));
  REQUIRE(parse_pressure("some avg10= avg60=x avg300=1.x total=-1 avg10 =2\n"));
  CHECK(parse_pressure("some avg10= avg60=x avg300=1.x total=-1\n")->some.avg300 == Approx(1));
}

TEST_CASE("block I/O of v1: sums are left out, a figure without an operation is kept", "[cgroups]") {
  using Entries = BlockIoStats::Entries;
  CHECK(parse_v1_block_io("8:0 Read 4096\n8:0 Write 0\n8:0 Total 4096\n253:16 Async 7\nTotal 4103\n") ==
        Entries{{8, 0, "Read", 4096}, {8, 0, "Write", 0}, {253, 16, "Async", 7}});
  CHECK(parse_v1_block_io("8:0 12\n") == Entries{{8, 0, "", 12}});
  CHECK(parse_v1_block_io("Total 0\n").empty());
  CHECK(parse_v1_block_io("").empty());
  CHECK(parse_v1_block_io("8 Read 1\n8:x Read 1\n:0 Read 1\n8:0 Read x\n8:0 Read 1 2\n").empty());
}

TEST_CASE("block I/O of v2", "[cgroups]") {
  using Entries = BlockIoStats::Entries;
  BlockIoStats io;
  parse_io_stat(
      "259:5 rbytes=1720320 wbytes=5218304 rios=21 wios=10 dbytes=0 dios=0\n"
      "7:0 \n"
      "8:0 rbytes=x wbytes rios= wios=3 cost.usage=9\n"
      "bad rbytes=1\n\n",
      io);
  CHECK(io.service_bytes == Entries{{259, 5, "Read", 1720320}, {259, 5, "Write", 5218304}});
  CHECK(io.serviced == Entries{{259, 5, "Read", 21}, {259, 5, "Write", 10}, {8, 0, "Write", 3}});
}
