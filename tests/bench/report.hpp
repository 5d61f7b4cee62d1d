// What was measured, as a table for people or as JSON.
#pragma once

#include <string>
#include <vector>

namespace ocx::bench {

struct Row {
  std::string contender;
  std::vector<double> milliseconds;  // one a round
  double system_calls = 0;
  double minimum() const;
  double median() const;
};

struct Table {
  std::string title;
  std::vector<Row> rows;
};

void print_table(const Table& table);
void print_json(const std::vector<Table>& tables, const std::vector<std::string>& left_out);

}  // namespace ocx::bench
