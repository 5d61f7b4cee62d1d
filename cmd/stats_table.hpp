// The table of `ocx stats`. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spec/usage.hpp"

namespace ocx::cmd {

struct TableStyle {
  std::size_t width = 0;  // columns of the terminal; 0: any. The least important columns are left out to fit.
  bool colours = false;
};

/// The heading and one line a container, without newlines.
std::vector<std::string> stats_table(const std::vector<spec::Usage>& usages, const TableStyle& style);

/// "512 B", "12.3 MiB", "64 MiB", "123 GiB"
std::string readable_size(std::uint64_t bytes);

}  // namespace ocx::cmd
