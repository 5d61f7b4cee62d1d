#include <catch2/catch.hpp>

#include <random>

#include "parse_fixture.hpp"

namespace ocx::spec {

TEST_CASE("every prefix of a document is an error", "[parse]") {
  const std::string document = full_document;
  for (std::size_t length = 0; length < document.size(); ++length) {
    const auto error = failure_of(document.substr(0, length));
    if (!error || error->message().find("invalid JSON at line ") != 0)
      FAIL("prefix of " << length << " bytes");
  }
  CHECK_FALSE(failure_of(document));
}

TEST_CASE("a mutated document is accepted or an error", "[parse]") {
  const std::string document = full_document;
  std::mt19937 random(20);
  const auto below = [&](std::size_t limit) { return random() % limit; };
  const std::string bytes = "{}[]\",:0123456789-.eE\\u \n/abtrufn";
  std::size_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string mutated = document;
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(mutated.size());
      switch (below(4)) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated[at] = bytes[below(bytes.size())];
          break;
        case 2:
          mutated.erase(at, 1 + below(40));
          break;
        default:
          mutated.insert(at, document, below(document.size()), 1 + below(60));
          break;
      }
    }
    if (const auto error = failure_of(mutated)) {
      ++refused;
      CHECK(std::string(error->what()).find('\n') == std::string::npos);
    }
  }
  CHECK(refused > 1000);
}

}  // namespace ocx::spec
