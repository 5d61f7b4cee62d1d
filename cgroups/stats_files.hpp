// The formats of cgroup files that hold figures (cgroup-v2.rst, "Format"; cgroup-v1/). Pure, and none fails:
// what is not of its form is left out, what is absent counts as 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/stats.hpp"

namespace ocx::cgroups {

/// "42\n"; "max" is spec::unlimited. A negative number, as cgroup v1 may show for no limit, too.
std::uint64_t parse_figure(std::string_view text);
/// "key 42\n" lines.
std::map<std::string, std::uint64_t> parse_flat(std::string_view text);
/// "1 2 3 \n"
std::vector<std::uint64_t> parse_figures(std::string_view text);
/// cpuacct.usage_all: a heading, then "cpu user system" lines.
void parse_usage_all(std::string_view text, spec::CpuStats& cpu);
/// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull …"; nothing without a "some" line.
std::optional<spec::Pressure> parse_pressure(std::string_view text);
/// v1: "8:0 Read 42", or "8:0 42" where operations are not told apart. Sums ("Total 42") are left out.
spec::BlockIoStats::Entries parse_v1_block_io(std::string_view text);
/// v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …" into bytes and operations.
void parse_io_stat(std::string_view text, spec::BlockIoStats& io);

}  // namespace ocx::cgroups
