// When the filter is loaded.
#include <catch2/catch.hpp>

#include "tests/unit/runtime/compiled_plan.hpp"

using namespace ocx;
using namespace ocx::test;

TEST_CASE("seccomp: right before exec, or before capabilities go", "[seccomp]") {
  PlanSource source;
  json& seccomp = source.config["linux"]["seccomp"];
  seccomp = {{"defaultAction", "SCMP_ACT_ALLOW"}};
  source.config["process"]["noNewPrivileges"] = true;
  runtime::Plan plan = source.compile();
  REQUIRE(plan.last.size() == 1);
  CHECK(plan.last[0].origin == "/linux/seccomp");
  CHECK_FALSE(has_step(plan.enter, "seccomp"));
  CHECK(plan.seccomp.has_value());

  source.config["process"]["noNewPrivileges"] = false;
  plan = source.compile();
  CHECK(plan.last.empty());
  CHECK(place_of(plan.enter, "cwd-as-user /") < place_of(plan.enter, "seccomp"));
  CHECK(place_of(plan.enter, "seccomp") < place_of(plan.enter, "capabilities"));
  CHECK(place_of(plan.enter, "capabilities") < place_of(plan.enter, "find /bin/probe"));
}

TEST_CASE("seccomp: a listener is handed over while the parent is there", "[seccomp]") {
  PlanSource source;
  source.config["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                       {"listenerPath", "/agent"},
                                       {"syscalls", {{{"names", {"mkdir"}}, {"action", "SCMP_ACT_NOTIFY"}}}}};
  source.config["process"]["noNewPrivileges"] = true;
  const runtime::Plan plan = source.compile();
  CHECK(plan.last.empty());
  CHECK(place_of(plan.enter, "find /bin/probe") < place_of(plan.enter, "seccomp"));
}
