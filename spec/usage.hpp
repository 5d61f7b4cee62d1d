// What a container uses, for people and scripts: `stats`. Rates where the kernel counts totals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spec/state.hpp"

namespace ocx::spec {

/// Absent: this host does not tell, there is no such limit, or there is nothing to compare with yet.
struct Usage {
  std::string id;
  Status status = Status::running;
  std::optional<double> cpu_percent;        // of one processor
  std::optional<double> throttled_percent;  // of the periods with something to do
  std::optional<std::uint64_t> memory;      // bytes, without `memory_reclaimable`
  std::optional<std::uint64_t> memory_reclaimable, memory_limit;
  std::optional<std::uint64_t> pids, pids_limit;
  std::optional<std::uint64_t> io_read, io_written;                  // bytes since the container was made
  std::optional<double> cpu_pressure, memory_pressure, io_pressure;  // percent, "some avg10"

  std::optional<double> memory_percent() const;
};

/// One object on one line, without a newline; what is absent is null.
std::string write_usage(const Usage& usage);

}  // namespace ocx::spec
