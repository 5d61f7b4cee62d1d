// Catch's main for every suite, with the count of test cases as the very last line.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/harness/skip.hpp"

namespace {

struct Counts {
  unsigned passed = 0, failed = 0, skipped = 0;
  bool ran = false;
};
Counts& counts() {
  static Counts instance;
  return instance;
}
bool& skip_requested() {
  static bool flag = false;
  return flag;
}
std::string& current_test() {
  static std::string name;
  return name;
}
/// One line for each failed test case, to stand at the end, where a log cut short still shows them.
std::vector<std::string>& failures() {
  static std::vector<std::string> lines;
  return lines;
}

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  constexpr size_t longest = 400;
  return text.size() <= longest ? text : text.substr(0, longest) + "…";
}

std::string describe(const Catch::AssertionStats& stats) {
  const Catch::AssertionResult& result = stats.assertionResult;
  const std::string where(result.getSourceInfo().file);
  std::string text = where.substr(where.rfind('/') + 1) + ":" + std::to_string(result.getSourceInfo().line);
  for (const std::string& part : {result.getExpandedExpression(), std::string(result.getMessage())}) {
    if (!part.empty()) text += ": " + part;
  }
  for (const Catch::MessageInfo& message : stats.infoMessages) text += "; " + message.message;
  return on_one_line(text);
}

struct Counter : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { counts().ran = true; }
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    skip_requested() = false;
    current_test() = info.name;
    first_failure_.clear();
  }
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk() && first_failure_.empty()) first_failure_ = describe(stats);
    return true;
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (!stats.totals.assertions.allOk()) {
      counts().failed++;
      failures().push_back(current_test() + ": " + first_failure_);
    } else if (skip_requested()) {
      counts().skipped++;
    } else {
      counts().passed++;
    }
  }

 private:
  std::string first_failure_;
};
CATCH_REGISTER_LISTENER(Counter)

}  // namespace

void ocx::test::skip(const std::string& reason) {
  const char* must_run = std::getenv("OCX_MUST_RUN");
  if (must_run != nullptr && std::strcmp(must_run, "1") == 0) FAIL("skipped, but OCX_MUST_RUN=1: " << reason);
  skip_requested() = true;
  std::printf("skipped: %s: %s\n", current_test().c_str(), reason.c_str());
}

int main(int argc, char** argv) {
  int status = Catch::Session().run(argc, argv);
  if (!counts().ran) return status;
  std::fflush(stderr);
  for (const std::string& line : failures()) std::printf("failed: %s\n", line.c_str());
  std::printf("%u passed, %u failed, %u skipped\n", counts().passed, counts().failed, counts().skipped);
  return counts().failed == 0 ? status : (status == 0 ? 1 : status);
}
