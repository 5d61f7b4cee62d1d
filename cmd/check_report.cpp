#include "cmd/check_report.hpp"

#include <algorithm>

#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

using runtime::Finding;
using runtime::Severity;

struct SeverityWords {
  Severity severity;
  const char *name, *one, *many, *colour;  // colour: SGR of ECMA-48
};
constexpr SeverityWords words[] = {
    {Severity::error, "error", "error", "errors", "1;31"},
    {Severity::missing, "missing", "thing missing here", "things missing here", "1;35"},
    {Severity::warning, "warning", "warning", "warnings", "1;33"},
};

const SeverityWords& words_of(Severity severity) {
  return words[static_cast<std::size_t>(severity)];
}

std::size_t count(const std::vector<Finding>& findings, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& finding) { return finding.severity == severity; }));
}

std::string coloured(const std::string& text, const char* colour, bool colours) {
  return colours ? "\x1b[" + std::string(colour) + "m" + text + "\x1b[0m" : text;
}

std::string padded(std::string text, std::size_t width) {
  text.append(text.size() < width ? width - text.size() : 0, ' ');
  return text;
}

std::string summary(const std::vector<Finding>& findings) {
  std::string text;
  for (const SeverityWords& row : words)
    if (const std::size_t number = count(findings, row.severity); number > 0)
      text.append(text.empty() ? "" : ", ")
          .append(std::to_string(number) + " " + (number == 1 ? row.one : row.many));
  return text.empty() ? "nothing found wrong" : text;
}

}  // namespace

std::string check_text(const std::string& bundle, const std::vector<Finding>& findings, bool colours) {
  constexpr std::size_t column = 9;
  const std::string indent(column, ' ');
  std::string text;
  for (const Finding& finding : findings) {
    const SeverityWords& row = words_of(finding.severity);
    text += coloured(padded(row.name, column), row.colour, colours);
    text += (finding.pointer.empty() ? "config.json" : finding.pointer) + "\n";
    text += indent + finding.message + "\n";
    if (!finding.remedy.empty()) text += indent + "-> " + finding.remedy + "\n";
  }
  return text + bundle + ": " + summary(findings) + "\n";
}

std::string check_json(const std::string& bundle, const std::vector<Finding>& findings) {
  std::string list;
  for (const Finding& finding : findings)
    list += std::string(list.empty() ? "" : ",") +
            "\n    {\"severity\": " + sys::json_string(words_of(finding.severity).name) +
            ", \"pointer\": " + sys::json_string(finding.pointer) +
            ", \"message\": " + sys::json_string(finding.message) +
            ", \"remedy\": " + sys::json_string(finding.remedy) + "}";
  return "{\n  \"bundle\": " + sys::json_string(bundle) + ",\n  \"findings\": [" + list +
         (list.empty() ? "" : "\n  ") + "]\n}\n";
}

int check_status(const std::vector<Finding>& findings) {
  if (count(findings, Severity::error) > 0) return 1;
  return count(findings, Severity::missing) > 0 ? 2 : 0;
}

}  // namespace ocx::cmd
