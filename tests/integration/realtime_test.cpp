// Real-time scheduling policies, where the kernel lets this machine have them.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

struct Policy {
  const char* name;
  int number;
  json settings;
  std::vector<std::string> chrt;  // how chrt(1) asks for it
};

const std::vector<Policy>& policies() {
  static const std::vector<Policy> all = {
      {"SCHED_FIFO", 1, {{"priority", 10}}, {"chrt", "--fifo", "10", "true"}},
      {"SCHED_RR", 2, {{"priority", 20}}, {"chrt", "--rr", "20", "true"}},
      {"SCHED_DEADLINE",
       6,
       {{"runtime", 1000000}, {"deadline", 20000000}, {"period", 20000000}},
       {"chrt", "--deadline", "--sched-runtime", "1000000", "--sched-deadline", "20000000", "--sched-period",
        "20000000", "0", "true"}},
  };
  return all;
}

}  // namespace

TEST_CASE("real-time policies", "[process][realtime]") {
  NOT_ON_RUNC("runc 1.1 does not know process.scheduler");
  const Policy& policy = policies()[static_cast<size_t>(GENERATE(0, 1, 2))];
  INFO(policy.name);
  if (run(policy.chrt).status != 0) SKIP_TEST(std::string(policy.name) + " is not permitted here");
  Bundle bundle;
  bundle.process()["scheduler"] = policy.settings;
  bundle.process()["scheduler"]["policy"] = policy.name;
  bundle.args({"/bin/probe", "facts"});
  bundle.save();
  // sched(7): a new v1 cpu cgroup has no real-time share; in the caller's own the container may have what he
  // may.
  Container container(bundle);
  const Result result =
      container.command({"--cgroup-manager", "disabled", "run", "--bundle", bundle.path(), container.id()});
  REQUIRE_OK(result);
  const json scheduler = parse_json(result.out)["scheduler"];
  CHECK(scheduler["policy"] == policy.number);
  if (policy.settings.contains("priority")) CHECK(scheduler["priority"] == policy.settings["priority"]);
}

TEST_CASE("a real-time policy the kernel refuses is an error that names it", "[process][realtime]") {
  NOT_ON_RUNC("runc 1.1 does not know process.scheduler");
  Bundle bundle;
  // sched_setattr(2): the runtime has to fit into the deadline; no kernel admits one of 100 years.
  bundle.process()["scheduler"] = {{"policy", "SCHED_DEADLINE"},
                                   {"runtime", 3000000000000000000},
                                   {"deadline", 3000000000000000000},
                                   {"period", 3000000000000000000}};
  Container container(bundle);
  CHECK(contains(error_message(container.create()), "/process/scheduler"));
  CHECK(container.leftovers().empty());
}
