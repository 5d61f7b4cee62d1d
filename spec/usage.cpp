#include "spec/usage.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<std::uint64_t>& value) {
  return value ? Json(*value) : Json();
}

/// Two digits: more would be noise.
Json percent(const std::optional<double>& value) {
  return value ? Json(std::round(*value * 100) / 100) : Json();
}

}  // namespace

std::optional<double> Usage::memory_percent() const {
  if (!memory || !memory_limit || *memory_limit == 0) return std::nullopt;
  return 100.0 * static_cast<double>(*memory) / static_cast<double>(*memory_limit);
}

std::string write_usage(const Usage& usage) {
  const Json document = {
      {"id", usage.id},
      {"status", status_name(usage.status)},
      {"cpu",
       {{"percent", percent(usage.cpu_percent)}, {"throttledPercent", percent(usage.throttled_percent)}}},
      {"memory",
       {{"used", number(usage.memory)},
        {"reclaimable", number(usage.memory_reclaimable)},
        {"limit", number(usage.memory_limit)},
        {"percent", percent(usage.memory_percent())}}},
      {"pids", {{"current", number(usage.pids)}, {"limit", number(usage.pids_limit)}}},
      {"io", {{"read", number(usage.io_read)}, {"written", number(usage.io_written)}}},
      {"pressure",
       {{"cpu", percent(usage.cpu_pressure)},
        {"memory", percent(usage.memory_pressure)},
        {"io", percent(usage.io_pressure)}}}};
  return document.dump();
}

}  // namespace ocx::spec
