// A plan in words: what `explain` prints and compares.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/request.hpp"

namespace ocx::runtime {

struct ExplainedStep {
  std::string_view action;  // for programs: "mount"
  std::string words, origin;
  std::string_view purpose = {};
};
struct ExplainedSection {
  std::string title, who;  // who: "parent", "init", "runtime" (another ocx command)
  std::vector<ExplainedStep> lines;

  void add(std::string_view action, std::string words, std::string origin, std::string_view purpose = {}) {
    lines.push_back({action, std::move(words), std::move(origin), purpose});
  }
};
struct Explanation {
  std::string bundle;
  std::vector<ExplainedSection> sections;  // in the order in which they happen; none is empty
};

/// Reads, plans and explains; warnings are logged. Errors as those of create, as far as it makes nothing.
Explanation explanation(const Globals& globals, const CreateRequest& request);

/// The members of a step as JSON, without braces.
std::string json_members(const ExplainedStep& step);

/// Steps that only one of two plans has.
struct StepChange {
  bool added = false;  // in the second alone; else in the first alone
  ExplainedStep step;
};
struct SectionChange {
  std::string title;
  std::vector<StepChange> changes;
};
/// Pure. Steps are the same when their words are: where in config.json they come from does not count, nor
/// does in which directory the bundle is.
std::vector<SectionChange> changes_between(const Explanation& before, const Explanation& after);

}  // namespace ocx::runtime
