#include "spec/descriptors.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx;

TEST_CASE("descriptors.json is a list of texts", "[checkpoint]") {
  const std::vector<std::string> streams{"/dev/null", "pipe:[12]", "a\"\n"};
  CHECK(spec::write_descriptors(streams) == R"(["/dev/null","pipe:[12]","a\"\n"])");
  CHECK(spec::parse_descriptors(spec::write_descriptors(streams)) == streams);
  CHECK(spec::parse_descriptors("[]").empty());
  for (const char* text : {"", "{}", "[1]", "[\"a\"", "\"a\"", "[[\"a\"]]", "[\"a\"] x"}) {
    INFO(text);
    CHECK_THROWS_AS(spec::parse_descriptors(text), Error);
  }
}
