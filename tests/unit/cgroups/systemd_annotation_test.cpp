#include "cgroups/systemd_annotation.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"

using namespace ocx::cgroups;

TEST_CASE("annotations become properties of the unit", "[cgroups]") {
  const auto properties = annotated_properties({{"org.systemd.property.After", "['a.service']"},
                                                {"org.systemd.property.CollectMode", "'inactive'"},
                                                {"org.systemd.property.TimeoutStopSec", "1.5"},
                                                {"org.systemd.property.RuntimeMaxSec", "uint64 3"},
                                                {"org.systemd.property.OtherUSec", "uint64 3"},
                                                {"org.systemd.property.ForeverSec", "'infinity'"},
                                                {"org.systemd.propertyX", "]"},
                                                {"other", "x"}});
  const std::vector<UnitProperty> expected{
      {"After", "as", {"1", "a.service"}, false, "/annotations/org.systemd.property.After"},
      {"CollectMode", "s", {"inactive"}, false, "/annotations/org.systemd.property.CollectMode"},
      {"ForeverUSec", "t", {"18446744073709551615"}, false, "/annotations/org.systemd.property.ForeverSec"},
      {"OtherUSec", "t", {"3"}, false, "/annotations/org.systemd.property.OtherUSec"},
      {"RuntimeMaxUSec", "t", {"3000000"}, false, "/annotations/org.systemd.property.RuntimeMaxSec"},
      {"TimeoutStopUSec", "t", {"1500000"}, false, "/annotations/org.systemd.property.TimeoutStopSec"}};
  CHECK(properties == expected);
}

TEST_CASE("bad annotations are errors with their origin", "[cgroups]") {
  const std::pair<const char*, const char*> cases[] = {{"org.systemd.property.", "1"},
                                                       {"org.systemd.property.Ab", "1"},
                                                       {"org.systemd.property.A-b", "1"},
                                                       {"org.systemd.property.Exec1", "1"},
                                                       {"org.systemd.property.After", "["},
                                                       {"org.systemd.property.TimeoutSec", "true"},
                                                       {"org.systemd.property.FooSec", "-1"},
                                                       {"org.systemd.property.FooSec", "['a']"},
                                                       {"org.systemd.property.FooSec", "'x'"},
                                                       {"org.systemd.property.FooSec", "1e30"},
                                                       {"org.systemd.property.PIDs", "@au [uint32 1]"},
                                                       {"org.systemd.property.Slice", "'a.slice'"},
                                                       {"org.systemd.property.Delegate", "false"}};
  for (const auto& [key, value] : cases) {
    INFO(key << " " << value);
    try {
      annotated_properties({{key, value}});
      FAIL("accepted");
    } catch (const ocx::Error& error) {
      CHECK(error.kind() == ocx::ErrorKind::invalid_config);
      CHECK(error.origin() == "/annotations/" + std::string(key));
    }
  }
  try {
    annotated_properties({{"org.systemd.property.a/b~", "1"}});
    FAIL("accepted");
  } catch (const ocx::Error& error) {
    CHECK(error.origin() == "/annotations/org.systemd.property.a~1b~0");
  }
}
