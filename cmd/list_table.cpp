#include "cmd/list_table.hpp"

#include <algorithm>
#include <array>

namespace ocx::cmd {
namespace {

using Row = std::array<std::string, 6>;

Row row_of(const spec::State& state) {
  const int pid = state.status == spec::Status::stopped ? 0 : state.pid;
  return {state.id,     std::to_string(pid), spec::status_name(state.status),
          state.bundle, state.created,       state.owner};
}

}  // namespace

std::string list_table(const std::vector<spec::State>& states) {
  std::vector<Row> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const spec::State& state : states) rows.push_back(row_of(state));
  std::array<std::size_t, 6> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max({widths[i], row[i].size() + 3, std::size_t{12}});
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      text += row[i] + std::string(widths[i] - row[i].size(), ' ');
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace ocx::cmd
