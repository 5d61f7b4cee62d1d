#include "spec/names.hpp"

#include <catch2/catch.hpp>
#include <linux/capability.h>

#include <set>

namespace ocx::spec {

TEST_CASE("capability names stand at their kernel numbers", "[names]") {
  CHECK(std::size(capability_names) == 41);
  CHECK(capability_number("CAP_CHOWN") == CAP_CHOWN);
  CHECK(capability_number("CAP_NET_RAW") == CAP_NET_RAW);
  CHECK(capability_number("CAP_SYS_ADMIN") == CAP_SYS_ADMIN);
  CHECK(capability_number("CAP_MKNOD") == CAP_MKNOD);
  CHECK(capability_number("CAP_AUDIT_READ") == CAP_AUDIT_READ);
  CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == CAP_CHECKPOINT_RESTORE);
  CHECK_FALSE(capability_number("CAP_BOGUS"));
  CHECK_FALSE(capability_number("cap_chown"));
  CHECK_FALSE(capability_number(""));
}

TEST_CASE("signals are numbers or names in any case", "[names]") {
  struct Row {
    const char* text;
    std::optional<int> number;
  };
  const Row row = GENERATE(values<Row>({
      {"TERM", 15},    {"SIGTERM", 15},    {"sigterm", 15},    {"Kill", 9},          {"9", 9},
      {"1", 1},        {"64", 64},         {"RTMIN", 34},      {"SIGRTMIN+3", 37},   {"rtmin+30", 64},
      {"RTMAX", 64},   {"SIGRTMAX-1", 63}, {"CLD", 17},        {"IOT", 6},           {"STKFLT", 16},
      {"0", {}},       {"65", {}},         {"-9", {}},         {"+9", {}},           {"", {}},
      {"SIG", {}},     {"SIG9", {}},       {"RTMIN+31", {}},   {"RTMIN-1", {}},      {"RTMIN+", {}},
      {"RTMAX+1", {}}, {"9 ", {}},         {"SIGSIGTERM", {}}, {"999999999999", {}}, {"BOGUS", {}},
  }));
  CAPTURE(row.text);
  CHECK(parse_signal(row.text) == row.number);
}

template <class Value, std::size_t N>
void check_unique(const Named<Value> (&table)[N]) {
  std::set<std::string_view> names;
  for (const auto& row : table) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(value_of(table, row.name) == row.value);
    CHECK(value_of(table, name_of(table, row.value)) == row.value);
  }
  CHECK(names_of(table).size() == N);
  CHECK_FALSE(value_of(table, "bogus"));
  CHECK_FALSE(value_of(table, ""));
}

TEST_CASE("every table translates both ways without a name twice", "[names]") {
  check_unique(namespace_types);
  check_unique(rlimit_types);
  check_unique(signal_names);
  check_unique(scheduler_policies);
  check_unique(scheduler_flags);
  check_unique(io_priority_classes);
  check_unique(memory_policy_modes);
  check_unique(memory_policy_flags);
  check_unique(seccomp_actions);
  check_unique(seccomp_operators);
  check_unique(seccomp_architectures);
  check_unique(seccomp_flags);
  check_unique(personality_domains);
  check_unique(rootfs_propagations);
  check_unique(hook_kinds);
}

TEST_CASE("tables have as many names as the specification", "[names]") {
  CHECK(std::size(namespace_types) == 8);
  CHECK(std::size(rlimit_types) == 16);
  CHECK(std::size(seccomp_architectures) == 23);
  CHECK(std::size(seccomp_actions) == 9);
  CHECK(std::size(hook_kinds) == 6);
}

TEST_CASE("numbers that a name must have", "[names]") {
  CHECK(value_of(namespace_types, "time") == 0x80U);
  CHECK(value_of(namespace_types, "mount") == 0x20000U);
  CHECK(value_of(rlimit_types, "RLIMIT_RTTIME") == 15);
  CHECK(value_of(rlimit_types, "RLIMIT_NOFILE") == 7);
  CHECK(value_of(memory_policy_modes, "MPOL_WEIGHTED_INTERLEAVE") == 6);
  CHECK(value_of(seccomp_architectures, "SCMP_ARCH_X86_64") == 0xc000003eU);
  CHECK(value_of(seccomp_architectures, "SCMP_ARCH_X32") == 0x4000003eU);
  CHECK(name_of(seccomp_actions, SeccompAction::kill_thread) == "SCMP_ACT_KILL_THREAD");
  CHECK(name_of(rlimit_types, 99).empty());
}

TEST_CASE("a misspelt name finds the one that was meant", "[names]") {
  const auto known = names_of(namespace_types);
  CHECK(closest_name("netwrok", known) == "network");
  CHECK(closest_name("net", known) == "network");
  CHECK(closest_name("PID", known) == "pid");
  CHECK(closest_name("mnt", known) == "");
  CHECK(closest_name("", known) == "");
  CHECK(closest_name("something else", known) == "");
  CHECK(closest_name(std::string(100000, 'x'), known) == "");
  CHECK(closest_name("RLIMIT_NOFILES", names_of(rlimit_types)) == "RLIMIT_NOFILE");
}

}  // namespace ocx::spec
