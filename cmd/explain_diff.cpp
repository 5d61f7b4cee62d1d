#include "cmd/explain_diff.hpp"

#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

constexpr const char *red = "31", *green = "32", *bold = "1";  // SGR of ECMA-48

std::string line(const std::string& text, const char* colour, bool colours) {
  return (colours ? "\x1b[" + std::string(colour) + "m" + text + "\x1b[0m" : text) + "\n";
}

std::string step_words(const runtime::ExplainedStep& step) {
  return step.words + (step.origin.empty() ? "" : "  [" + step.origin + "]");
}

}  // namespace

std::string diff_text(const PlanDiff& diff, bool colours) {
  if (diff.sections.empty()) return "ocx would do the same with " + diff.a + " and " + diff.b + ".\n";
  std::string text =
      line("- with " + diff.a + " alone", red, colours) + line("+ with " + diff.b + " alone", green, colours);
  for (const runtime::SectionChange& section : diff.sections) {
    text += "\n" + line(section.title, bold, colours);
    for (const runtime::StepChange& change : section.changes)
      text += line((change.added ? "  + " : "  - ") + step_words(change.step), change.added ? green : red,
                   colours);
  }
  return text;
}

std::string diff_json(const PlanDiff& diff) {
  std::string text = "{\n  \"a\": " + sys::json_string(diff.a) + ",\n  \"b\": " + sys::json_string(diff.b) +
                     ",\n  \"changes\": [";
  const char* separator = "\n    ";
  for (const runtime::SectionChange& section : diff.sections)
    for (const runtime::StepChange& change : section.changes) {
      text += separator + std::string("{\"only_in\": ") + (change.added ? "\"b\"" : "\"a\"") +
              ", \"section\": " + sys::json_string(section.title) + ", " +
              runtime::json_members(change.step) + "}";
      separator = ",\n    ";
    }
  return text + (diff.sections.empty() ? "" : "\n  ") + "]\n}\n";
}

}  // namespace ocx::cmd
