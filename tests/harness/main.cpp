// Catch's main for every suite, with the count of test cases as the very last line.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

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

struct Counter : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo&) override { counts().ran = true; }
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    skip_requested() = false;
    current_test() = info.name;
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    if (!stats.totals.assertions.allOk()) {
      counts().failed++;
    } else if (skip_requested()) {
      counts().skipped++;
    } else {
      counts().passed++;
    }
  }
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
  std::printf("%u passed, %u failed, %u skipped\n", counts().passed, counts().failed, counts().skipped);
  return counts().failed == 0 ? status : (status == 0 ? 1 : status);
}
