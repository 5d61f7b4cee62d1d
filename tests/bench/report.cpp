#include "tests/bench/report.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace ocx::bench {
namespace {

const Row* find(const Table& table, const std::string& contender) {
  for (const Row& row : table.rows)
    if (row.contender == contender) return &row;
  return nullptr;
}

/// Of the minima, the figure that load disturbs least.
void print_ratio(const Row& row, const Row* base) {
  if (base)
    std::printf(" %9.2f", row.minimum() / base->minimum());
  else
    std::printf(" %9s", "-");
}

}  // namespace

double Row::minimum() const {
  return *std::min_element(milliseconds.begin(), milliseconds.end());
}

double Row::median() const {
  std::vector<double> sorted = milliseconds;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

void print_table(const Table& table) {
  if (table.rows.empty()) return;
  std::printf("\n%-26s %8s %8s %8s %9s %9s %9s\n", table.title.c_str(), "min ms", "median", "syscalls",
              "x floor", "x crun", "x runc");
  for (const Row& row : table.rows) {
    std::printf("  %-24s %8.2f %8.2f %8.0f", row.contender.c_str(), row.minimum(), row.median(),
                row.system_calls);
    for (const char* base : {"floor", "crun", "runc"}) print_ratio(row, find(table, base));
    std::printf("\n");
  }
}

void print_json(const std::vector<Table>& tables, const std::vector<std::string>& left_out) {
  nlohmann::ordered_json document;
  for (const Table& table : tables)
    for (const Row& row : table.rows)
      document["measurements"].push_back({{"title", table.title},
                                          {"contender", row.contender},
                                          {"min_ms", row.minimum()},
                                          {"median_ms", row.median()},
                                          {"system_calls", row.system_calls},
                                          {"rounds", row.milliseconds.size()}});
  document["left_out"] = left_out;
  std::puts(document.dump(2).c_str());
}

}  // namespace ocx::bench
