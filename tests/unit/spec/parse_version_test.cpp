#include <catch2/catch.hpp>

#include "parse_fixture.hpp"

namespace ocx::spec {

TEST_CASE("versions of the specification", "[parse]") {
  const char* const accepted = GENERATE("1.0.0", "1.0.2-dev", "1.0.0-rc5", "1.3.0", "1.2.1+build.001",
                                        "1.1.0-rc.1+x-y.z", "1.0.0-0", "1.0.0-0a.01b");
  CAPTURE(accepted);
  CHECK(warnings_of(with("/ociVersion", '"' + std::string(accepted) + '"')).empty());
}

TEST_CASE("versions newer than known give a warning", "[parse]") {
  const char* const newer = GENERATE("1.4.0", "1.10.0-dev", "1.99999999999999999999999.0");
  CAPTURE(newer);
  const Warnings warnings = warnings_of(with("/ociVersion", '"' + std::string(newer) + '"'));
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("/ociVersion") && Catch::EndsWith(", ignoring"));
}

TEST_CASE("versions that are refused", "[parse]") {
  const char* const refused = GENERATE("", "1", "1.0", "1.0.0.0", "v1.0.0", "1.0.x", "01.0.0", "1.00.0",
                                       "1.0.0-", "1.0.0-01", "1.0.0-a..b", "1.0.0+", "1.0.0-a_b", " 1.0.0",
                                       "1.0.0 ", "invalid", "0.5.0-dev", "2.0.0", "10.0.0");
  CAPTURE(refused);
  const auto error = failure_of(with("/ociVersion", '"' + std::string(refused) + '"'));
  REQUIRE(error);
  CHECK(error->origin() == "/ociVersion");
  CHECK_FALSE(error->hint().empty());
}

}  // namespace ocx::spec
