// What `ocx explain --diff` prints. Pure.
#pragma once

#include <string>
#include <vector>

#include "runtime/explanation.hpp"

namespace ocx::cmd {

/// `a` and `b` are the two as the caller calls them.
struct PlanDiff {
  std::string a, b;
  std::vector<runtime::SectionChange> sections;
};
std::string diff_text(const PlanDiff& diff, bool colours);
std::string diff_json(const PlanDiff& diff);

}  // namespace ocx::cmd
