// Which capabilities a process that exec adds has: config.json's, and those of --cap.
#include <cstdlib>

#include "tests/integration/exec_container.hpp"

using namespace ocx::test;

namespace {

constexpr unsigned long kill_bit = 1UL << 5, net_raw = 1UL << 13, sys_time = 1UL << 25;

unsigned long set_of(const json& facts, const char* name) {
  return std::stoul(facts["status"][name].get<std::string>(), nullptr, 16);
}

}  // namespace

TEST_CASE("exec has the capabilities of config.json", "[exec][capabilities]") {
  Bundle bundle;
  bundle.capabilities({"CAP_KILL", "CAP_NET_RAW"});
  Running running(bundle);
  const json facts = running.facts();
  for (const char* name : {"CapBnd", "CapPrm", "CapEff"}) CHECK(set_of(facts, name) == (kill_bit | net_raw));
  for (const char* name : {"CapInh", "CapAmb"}) CHECK(set_of(facts, name) == 0);
}

TEST_CASE("exec of a container without capabilities has none", "[exec][capabilities]") {
  Bundle bundle;
  bundle.process().erase("capabilities");
  Running running(bundle);
  const json facts = running.facts();
  for (const char* name : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) CHECK(set_of(facts, name) == 0);
}

TEST_CASE("exec --cap adds to three sets, never to the inheritable one", "[exec][capabilities][security]") {
  Bundle bundle;
  bundle.capabilities({"CAP_KILL"});
  Running running(bundle);
  const json facts = running.facts({"--cap", "CAP_NET_RAW", "-c", "CAP_SYS_TIME"});
  for (const char* name : {"CapBnd", "CapPrm", "CapEff"})
    CHECK(set_of(facts, name) == (kill_bit | net_raw | sys_time));
  CHECK(set_of(facts, "CapInh") == 0);  // CVE-2022-29162
  CHECK(set_of(facts, "CapAmb") == 0);
  const json user = running.facts({"--cap", "CAP_NET_RAW", "--user", "1000"});
  CHECK(set_of(user, "CapBnd") == (kill_bit | net_raw));
  for (const char* name : {"CapEff", "CapInh", "CapAmb"}) CHECK(set_of(user, name) == 0);
}

TEST_CASE("exec --cap reaches a user where the container has inheritable capabilities",
          "[exec][capabilities]") {
  NOT_ON_RUNC("1.1 leaves the ambient set as it is");
  Bundle bundle;
  bundle.capabilities({"CAP_KILL"});
  bundle.process()["capabilities"]["inheritable"] = {"CAP_KILL"};
  Running running(bundle);
  const json facts = running.facts({"--cap", "CAP_NET_RAW", "--user", "1000"});
  CHECK(set_of(facts, "CapAmb") == net_raw);
  CHECK(set_of(facts, "CapEff") == net_raw);
}

TEST_CASE("exec --cap with an unknown name", "[exec][capabilities]") {
  ONLY_OCX("runc only warns");
  Bundle bundle;
  Running running(bundle);
  const Result result = running.exec({"--cap", "CAP_NONSENSE"}, {"true"});
  CHECK(result.status == 255);
  CHECK(contains(error_message(result), "CAP_NONSENSE"));
}

TEST_CASE("exec --no-new-privs", "[exec][capabilities]") {
  Bundle bundle;
  bundle.process()["noNewPrivileges"] = false;
  Running running(bundle);
  CHECK(running.facts()["no_new_privs"] == 0);
  CHECK(running.facts({"--no-new-privs"})["no_new_privs"] == 1);
}
