#include "spec/draft.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ocx;
using spec::Draft;

namespace {

/// All errors of a document, as written, in the order they are found.
std::vector<std::string> mistakes(std::string_view document) {
  Draft draft(document);
  std::vector<std::string> pointers;
  for (const Error& error : draft.duplicates()) pointers.push_back(error.origin());
  for (int round = 0; round < 100; ++round) {
    spec::Warnings warnings;
    try {
      draft.parse(warnings);
      return pointers;
    } catch (const Error& error) {
      const std::string written = draft.written(error.origin());
      if (!draft.is_set_aside(written)) pointers.push_back(written);
      if (!draft.set_aside(error.origin(), error.hint())) return pointers;
    }
  }
  FAIL("no end");
  return pointers;
}

const std::string start = R"({"ociVersion":"1.0.0","root":{"path":"r"},)";

}  // namespace

TEST_CASE("a document without mistakes has none", "[draft]") {
  CHECK(mistakes(start + R"("process":{"cwd":"/","args":["a"]}})").empty());
}

TEST_CASE("each mistake is found, with its place as written", "[draft]") {
  using List = std::vector<std::string>;
  const struct {
    const char* rest;
    List expected;
  } rows[] = {
      {R"("process":{"cwd":1,"args":"a","terminal":"x"}})",
       {"/process/terminal", "/process/cwd", "/process/args"}},
      {R"("mounts":[{"destination":1},{"destination":"/a","options":[1,"ro",2]},{}]})",
       {"/mounts/0/destination", "/mounts/1/options/0", "/mounts/1/options/2", "/mounts/2/destination"}},
      {R"("linux":{"namespaces":[{"type":"utss"},{"type":"mount"},{"type":7},{"type":"pid","path":"x"}]},"hostname":"h"})",
       {"/linux/namespaces/0/type", "/linux/namespaces/2/type", "/linux/namespaces/3/path"}},
      {R"("hostname":1,"hostname":2})", {"/hostname", "/hostname"}},
      {R"("process":7})", {"/process"}},
      {R"("annotations":{"a/b":1,"c~d":2}})", {"/annotations/a~1b", "/annotations/c~0d"}},
  };
  for (const auto& row : rows) {
    INFO(row.rest);
    List found = mistakes(start + row.rest);
    std::sort(found.begin(), found.end());
    List expected = row.expected;
    std::sort(expected.begin(), expected.end());
    CHECK(found == expected);
  }
}

TEST_CASE("what can't be read at all ends at once", "[draft]") {
  CHECK_THROWS_AS(Draft("{"), Error);
  CHECK(mistakes("[]") == std::vector<std::string>{""});
  CHECK(mistakes("{}") == std::vector<std::string>{"/ociVersion", "/root"});
}
