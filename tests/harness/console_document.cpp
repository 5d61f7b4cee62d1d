#include "tests/harness/console_document.hpp"

#include <stdexcept>

#include "tests/harness/bundle.hpp"

namespace ocx::test {
namespace {

constexpr std::string_view anything = "…";
constexpr std::string_view fence = "```";

// A tab is printed as blanks, and a document has none; columns are as wide as their longest entry.
std::string squeezed(std::string_view line) {
  std::string words;
  bool blank = false;
  for (char byte : line) {
    if (byte == ' ' || byte == '\t' || byte == '\r') {
      blank = true;
      continue;
    }
    if (blank && !words.empty()) words += ' ';
    blank = false;
    words += byte;
  }
  return words;
}

void drop_empty_end(std::vector<std::string>& text) {
  while (!text.empty() && squeezed(text.back()).empty()) text.pop_back();
}

bool is_any_lines(const std::string& wanted) {
  return squeezed(wanted) == anything;
}

[[noreturn]] void refuse(std::size_t line, const std::string& reason) {
  throw std::runtime_error("line " + std::to_string(line) + ": " + reason);
}

void parse_line(const std::string& text, std::size_t number, std::vector<ConsoleStep>& steps, bool& output) {
  if (text.starts_with("# ") || text.starts_with("$ ")) {
    steps.push_back({text[0] == '#', text.substr(2), {}, number});
    output = false;
    return;
  }
  if (!output && text.starts_with("> ") && !steps.empty()) {
    steps.back().command += "\n" + text.substr(2);
    return;
  }
  if (steps.empty()) refuse(number, "output before any command");
  steps.back().wanted.push_back(text);
  output = true;
}

}  // namespace

std::vector<ConsoleStep> parse_console(std::string_view document) {
  std::vector<ConsoleStep> steps, block;
  std::size_t number = 0, opened = 0;
  bool in_console = false, output = true;
  for (const std::string& text : lines(document)) {
    ++number;
    const bool fenced = text.starts_with(fence);
    if (fenced && opened == 0) {
      opened = number;
      in_console = text == "```console";
    } else if (fenced) {
      opened = 0;
      for (ConsoleStep& step : block) drop_empty_end(step.wanted);
      steps.insert(steps.end(), block.begin(), block.end());
      block.clear();
      output = true;
    } else if (opened != 0 && in_console) {
      parse_line(text, number, block, output);
    }
  }
  if (opened != 0) refuse(opened, "a block without an end");
  return steps;
}

bool line_matches(std::string_view wanted, std::string_view got) {
  const std::string pattern_text = squeezed(wanted), text = squeezed(got);
  std::string_view pattern = pattern_text, rest = text;
  std::size_t end = pattern.find(anything);
  if (end == std::string_view::npos) return pattern == rest;
  if (!rest.starts_with(pattern.substr(0, end))) return false;
  rest.remove_prefix(end);
  pattern.remove_prefix(end + anything.size());
  while ((end = pattern.find(anything)) != std::string_view::npos) {
    const std::string_view part = pattern.substr(0, end);
    const std::size_t at = rest.find(part);
    if (at == std::string_view::npos) return false;
    rest.remove_prefix(at + part.size());
    pattern.remove_prefix(end + anything.size());
  }
  return rest.ends_with(pattern);
}

bool output_matches(std::vector<std::string> wanted, std::vector<std::string> got) {
  drop_empty_end(wanted);
  drop_empty_end(got);
  // As with a shell's "*": the last "…" takes one line more when what follows does not fit.
  std::size_t w = 0, g = 0, retry_wanted = std::string::npos, retry_got = 0;
  while (g < got.size()) {
    if (w < wanted.size() && is_any_lines(wanted[w])) {
      retry_wanted = ++w;
      retry_got = g;
    } else if (w < wanted.size() && line_matches(wanted[w], got[g])) {
      ++w, ++g;
    } else if (retry_wanted != std::string::npos) {
      w = retry_wanted;
      g = ++retry_got;
    } else {
      return false;
    }
  }
  while (w < wanted.size() && is_any_lines(wanted[w])) ++w;
  return w == wanted.size();
}

}  // namespace ocx::test
