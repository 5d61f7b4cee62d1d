// process.capabilities: the five sets, and what can't be had.
#include <catch2/catch.hpp>

#include "tests/harness/container.hpp"

using namespace ocx::test;

namespace {

using Names = std::vector<std::string>;

void refused(Bundle& bundle, const std::string& text) {
  Container container(bundle);
  std::string message = error_message(container.create());
  INFO(message);
  CHECK(contains(message, text));
  CHECK(container.leftovers().empty());
}

unsigned long long mask_of(const json& facts, const char* set) {
  return std::stoull(facts["status"][set].get<std::string>(), nullptr, 16);
}

constexpr unsigned long long kill_bit = 1ULL << 5, bind_bit = 1ULL << 10, audit_bit = 1ULL << 29;

}  // namespace

TEST_CASE("capabilities: the sets hold what is asked", "[process][capabilities]") {
  Bundle bundle;
  bundle.process()["capabilities"] = {{"bounding", {"CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"}},
                                      {"permitted", {"CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"}},
                                      {"effective", {"CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"}},
                                      {"inheritable", {"CAP_KILL", "CAP_NET_BIND_SERVICE"}},
                                      {"ambient", {"CAP_NET_BIND_SERVICE"}}};
  bundle.process()["user"] = {{"uid", 1000}, {"gid", 1000}};
  json facts = payload_facts(bundle);
  CHECK(mask_of(facts, "CapBnd") == (kill_bit | bind_bit | audit_bit));
  CHECK(mask_of(facts, "CapInh") == (kill_bit | bind_bit));
  CHECK(mask_of(facts, "CapAmb") == bind_bit);
  // exec of a program without file capabilities leaves a user the ambient set.
  CHECK(mask_of(facts, "CapPrm") == bind_bit);
  CHECK(mask_of(facts, "CapEff") == bind_bit);
}

TEST_CASE("every capability this machine has, in all five sets", "[process][capabilities]") {
  unsigned long long permitted = 0;
  for (const std::string& line : lines(read_file("/proc/self/status")))
    if (line.rfind("CapPrm:", 0) == 0) permitted = std::stoull(line.substr(8), nullptr, 16);
  static const char* const known[] = {"CHOWN",
                                      "DAC_OVERRIDE",
                                      "DAC_READ_SEARCH",
                                      "FOWNER",
                                      "FSETID",
                                      "KILL",
                                      "SETGID",
                                      "SETUID",
                                      "SETPCAP",
                                      "LINUX_IMMUTABLE",
                                      "NET_BIND_SERVICE",
                                      "NET_BROADCAST",
                                      "NET_ADMIN",
                                      "NET_RAW",
                                      "IPC_LOCK",
                                      "IPC_OWNER",
                                      "SYS_MODULE",
                                      "SYS_RAWIO",
                                      "SYS_CHROOT",
                                      "SYS_PTRACE",
                                      "SYS_PACCT",
                                      "SYS_ADMIN",
                                      "SYS_BOOT",
                                      "SYS_NICE",
                                      "SYS_RESOURCE",
                                      "SYS_TIME",
                                      "SYS_TTY_CONFIG",
                                      "MKNOD",
                                      "LEASE",
                                      "AUDIT_WRITE",
                                      "AUDIT_CONTROL",
                                      "SETFCAP",
                                      "MAC_OVERRIDE",
                                      "MAC_ADMIN",
                                      "SYSLOG",
                                      "WAKE_ALARM",
                                      "BLOCK_SUSPEND",
                                      "AUDIT_READ",
                                      "PERFMON",
                                      "BPF",
                                      "CHECKPOINT_RESTORE"};
  Names names;
  for (size_t bit = 0; bit < std::size(known); ++bit)
    if ((permitted >> bit & 1) != 0) names.push_back(std::string("CAP_") + known[bit]);
  Bundle bundle;
  for (const char* set : {"bounding", "permitted", "effective", "inheritable", "ambient"})
    bundle.process()["capabilities"][set] = names;
  json facts = payload_facts(bundle);
  for (const char* set : {"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"})
    CHECK(mask_of(facts, set) == permitted);
}

TEST_CASE("an empty bounding set leaves root nothing", "[process][capabilities]") {
  Bundle bundle;
  bundle.process()["capabilities"].erase("bounding");
  json facts = payload_facts(bundle);
  for (const char* set : {"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"}) {
    INFO(set);
    CHECK(mask_of(facts, set) == 0);
  }
}

TEST_CASE("inheritable capabilities outside the bounding set can't be had", "[process][capabilities]") {
  Bundle bundle;
  bundle.process()["capabilities"].erase("bounding");
  bundle.process()["capabilities"]["inheritable"] = {"CAP_KILL"};
  refused(bundle, "operation not permitted");
}

TEST_CASE("ambient capabilities beside no inheritable ones are no warning: buildah asks so in each RUN",
          "[process][capabilities]") {
  Bundle bundle({"/bin/probe", "facts"});
  bundle.process()["capabilities"] = {{"bounding", {"CAP_KILL"}},
                                      {"permitted", {"CAP_KILL"}},
                                      {"effective", {"CAP_KILL"}},
                                      {"ambient", {"CAP_KILL"}}};
  Container container(bundle);
  Result result = container.run();
  REQUIRE_OK(result);
  CHECK(result.err == "");
  CHECK(mask_of(json::parse(result.out), "CapAmb") == 0);
}

TEST_CASE("without capabilities nothing is granted", "[process][capabilities]") {
  ONLY_OCX("runc leaves the caller's");
  Bundle bundle;
  bundle.process().erase("capabilities");
  json facts = payload_facts(bundle);
  for (const char* set : {"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"}) CHECK(mask_of(facts, set) == 0);
}

TEST_CASE("an unknown capability is a warning", "[process][capabilities]") {
  Bundle bundle({"/bin/probe", "facts"});
  for (const char* set : {"bounding", "permitted", "effective"})
    bundle.process()["capabilities"][set].push_back("CAP_BOGUS");
  Container container(bundle);
  Result created = container.create();
  REQUIRE_OK(created);
  CHECK(contains(created.err, "CAP_BOGUS"));
  CHECK(contains(created.err, "level=warning"));
  REQUIRE_OK(container.start());
  CHECK(container.wait_exit() == 0);
  CHECK(mask_of(parse_json(created.out_now()), "CapBnd") == (kill_bit | bind_bit | audit_bit));
}
