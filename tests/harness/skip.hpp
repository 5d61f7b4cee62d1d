// A test that can't run here says why and counts as skipped: `N passed, N failed, N skipped` is the suite's
// last line.
#pragma once

#include <string>

namespace ocx::test {

/// Prints the reason and marks the running test case as skipped. With OCX_MUST_RUN=1 in the environment it
/// fails instead. Does not leave the test: use the macro.
void skip(const std::string& reason);

/// True while the runtime under test is ocx (its base name starts with "ocx").
bool runtime_is_ocx();
bool runtime_is_runc();

}  // namespace ocx::test

/// Leaves the test case (use it in the body of a TEST_CASE only, first thing).
#define SKIP_TEST(reason)      \
  do {                         \
    ::ocx::test::skip(reason); \
    return;                    \
  } while (false)

/// The test is about something only ocx promises; the reason says how the others differ.
#define ONLY_OCX(reason)                                                                 \
  do {                                                                                   \
    if (!::ocx::test::runtime_is_ocx()) SKIP_TEST(std::string("only ocx: ") + (reason)); \
  } while (false)

/// Specified behaviour that the runc at hand is too old for.
#define NOT_ON_RUNC(reason)                                                                 \
  do {                                                                                      \
    if (::ocx::test::runtime_is_runc()) SKIP_TEST(std::string("not on runc: ") + (reason)); \
  } while (false)
