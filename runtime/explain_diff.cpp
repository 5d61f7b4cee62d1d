// `ocx explain --diff`: which steps only one of two plans has.
#include <algorithm>

#include "runtime/explanation.hpp"

namespace ocx::runtime {
namespace {

/// What is compared: the words, with the bundle's directory as ".".
std::vector<std::string> comparable(const ExplainedSection* section, const std::string& bundle) {
  std::vector<std::string> texts;
  if (section == nullptr) return texts;
  for (const ExplainedStep& line : section->lines) {
    std::string text = line.words;
    for (std::size_t at = text.find(bundle + "/"); at != std::string::npos;
         at = text.find(bundle + "/", at + 1))
      text.replace(at, bundle.size(), ".");
    texts.push_back(std::move(text));
  }
  return texts;
}

/// Lengths of the longest common subsequences of what follows in both: plans have some hundred steps.
std::vector<std::vector<std::size_t>> common_lengths(const std::vector<std::string>& a,
                                                     const std::vector<std::string>& b) {
  std::vector<std::vector<std::size_t>> length(a.size() + 1, std::vector<std::size_t>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      length[i][j] = a[i] == b[j] ? length[i + 1][j + 1] + 1 : std::max(length[i + 1][j], length[i][j + 1]);
  return length;
}

std::vector<StepChange> compare(const ExplainedSection* before, const std::vector<std::string>& a,
                                const ExplainedSection* after, const std::vector<std::string>& b) {
  const auto length = common_lengths(a, b);
  std::vector<StepChange> changes;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && length[i + 1][j] >= length[i][j + 1])) {
      changes.push_back({false, before->lines[i++]});
    } else {
      changes.push_back({true, after->lines[j++]});
    }
  }
  return changes;
}

const ExplainedSection* find(const Explanation& explained, const std::string& title) {
  for (const ExplainedSection& section : explained.sections)
    if (section.title == title) return &section;
  return nullptr;
}

}  // namespace

std::vector<SectionChange> changes_between(const Explanation& before, const Explanation& after) {
  std::vector<std::string> titles;
  for (const ExplainedSection& section : before.sections) titles.push_back(section.title);
  for (const ExplainedSection& section : after.sections)
    if (find(before, section.title) == nullptr) titles.push_back(section.title);
  std::vector<SectionChange> result;
  for (const std::string& title : titles) {
    const ExplainedSection *old = find(before, title), *now = find(after, title);
    std::vector<StepChange> changes =
        compare(old, comparable(old, before.bundle), now, comparable(now, after.bundle));
    if (!changes.empty()) result.push_back({title, std::move(changes)});
  }
  return result;
}

}  // namespace ocx::runtime
