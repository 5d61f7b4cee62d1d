#include "cgroups/device_list.hpp"

#include <catch2/catch.hpp>

#include "sys/error.hpp"
#include "tests/unit/cgroups/device_rules.hpp"

using namespace ocx::cgroups;
using namespace ocx::test;
using ocx::spec::DeviceRule;

namespace {

/// "+c 1:3 rwm" for allow, "-…" for deny.
std::vector<std::string> lines(const std::vector<DeviceRule>& rules) {
  std::vector<std::string> result;
  for (const DeviceWrite& write : device_writes(rules))
    result.push_back((write.allow ? "+" : "-") + write.line);
  return result;
}

const std::vector<std::string> defaults = {"+c *:* m",   "+b *:* m",   "+c 1:3 rwm",   "+c 1:5 rwm",
                                           "+c 1:7 rwm", "+c 1:8 rwm", "+c 1:9 rwm",   "+c 5:0 rwm",
                                           "+c 5:1 rwm", "+c 5:2 rwm", "+c 136:* rwm", "+c 10:200 rwm"};

std::vector<std::string> with_defaults(std::vector<std::string> first,
                                       const std::vector<std::string>& without = {}) {
  for (const std::string& line : defaults)
    if (std::find(without.begin(), without.end(), line) == without.end()) first.push_back(line);
  return first;
}

}  // namespace

TEST_CASE("device rules become the lines of a v1 cgroup", "[cgroups]") {
  struct Case {
    const char* name;
    std::vector<DeviceRule> rules;
    std::vector<std::string> expected;
  };
  const Case cases[] = {
      {"no rules: the defaults", {}, defaults},
      {"the rule of ocx spec", {deny_all}, with_defaults({"-a"})},
      {"everything: the defaults change nothing", {allow_all}, {"+a"}},
      {"the last rule for everything settles what came before",
       {allow_all, rule(false, 'b', 8, 0, "rwm"), deny_all},
       with_defaults({"-a"})},
      {"a default the user has asked for is not written twice",
       {deny_all, rule(true, 'c', 1, 3, "rwm")},
       with_defaults({"-a", "+c 1:3 rwm"}, {"+c 1:3 rwm"})},
      {"a part of the access is not all of it",
       {deny_all, rule(true, 'c', 1, 3, "r")},
       with_defaults({"-a", "+c 1:3 r"})},
      {"a wildcard covers its members",
       {deny_all, rule(true, 'c', 1, any, "rwm")},
       with_defaults({"-a", "+c 1:* rwm"},
                     {"+c 1:3 rwm", "+c 1:5 rwm", "+c 1:7 rwm", "+c 1:8 rwm", "+c 1:9 rwm"})},
      {"a denied default comes back, as config-linux.md lists it",
       {deny_all, rule(true, 'c', 1, 3, "rwm"), rule(false, 'c', 1, 3, "rwm")},
       with_defaults({"-a", "+c 1:3 rwm", "-c 1:3 rwm"})},
      {"type a with numbers is not everything",
       {deny_all, rule(true, 'a', 7, 1, "rw")},
       with_defaults({"-a", "+b 7:1 rw", "+c 7:1 rw"})},
      {"type a with less access is not everything",
       {allow_all, rule(false, 'a', any, any, "w")},
       with_defaults({"+a", "-b *:* w", "-c *:* w"}, {"+c *:* m", "+b *:* m"})},
      {"no access at all", {rule(true, 'c', 1, 3, "")}, defaults},
  };
  for (const Case& item : cases) {
    INFO(item.name);
    CHECK(lines(item.rules) == item.expected);
  }
}

TEST_CASE("every line knows its rule", "[cgroups]") {
  const auto writes = device_writes({deny_all, rule(true, 'a', 7, 1, "rw")});
  REQUIRE(writes.size() == 3 + defaults.size());
  CHECK(writes[0].rule == 0);
  CHECK(writes[1].rule == 1);
  CHECK(writes[2].rule == 1);
  CHECK(writes[3].rule == -1);
}

TEST_CASE("a rule that the kernel would silently ignore is refused", "[cgroups]") {
  const auto refused = [](const std::vector<DeviceRule>& rules, const std::string& origin) {
    try {
      device_writes(rules);
    } catch (const ocx::Error& error) {
      return error.kind() == ocx::ErrorKind::unsupported && error.origin() == origin;
    }
    return false;
  };
  CHECK(refused({deny_all, rule(true, 'b', any, any, "rwm"), rule(false, 'b', 8, 0, "rwm")},
                "/linux/resources/devices/2"));
  CHECK(
      refused({rule(true, 'b', 8, any, "rwm"), rule(false, 'b', 8, 0, "rwm")}, "/linux/resources/devices/1"));
  CHECK(refused({allow_all, rule(false, 'b', 8, any, "rwm"), rule(true, 'b', 8, 0, "r")},
                "/linux/resources/devices/2"));
  CHECK_NOTHROW(device_writes({deny_all, rule(true, 'b', 8, 0, "rwm"), rule(false, 'b', 8, 0, "w")}));
  CHECK_NOTHROW(device_writes({allow_all, rule(false, 'b', 8, 0, "rwm"), rule(false, 'b', 8, any, "rwm")}));
}
