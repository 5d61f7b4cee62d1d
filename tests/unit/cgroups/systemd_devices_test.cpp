#include "cgroups/systemd_devices.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include "cgroups/device_list.hpp"

using namespace ocx::cgroups;
using ocx::spec::DeviceRule;

namespace {

DeviceRule everything(bool allow) {
  DeviceRule rule;
  rule.allow = allow;
  rule.read = rule.write = rule.mknod = true;
  return rule;
}

DeviceRule rule(char type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor) {
  DeviceRule result = everything(true);
  result.type = type;
  result.major = major;
  result.minor = minor;
  return result;
}

bool has(const UnitProperty& list, const std::string& node, const std::string& access) {
  for (std::size_t i = 1; i + 1 < list.tokens.size(); i += 2)
    if (list.tokens[i] == node && list.tokens[i + 1] == access) return true;
  return false;
}

}  // namespace

TEST_CASE("the device policy that systemd keeps", "[cgroups]") {
  const auto properties =
      device_properties({everything(false), rule('c', 195, std::nullopt), rule('b', 8, 16)});
  REQUIRE(properties.size() == 3);
  CHECK(properties[0].name == "DevicePolicy");
  CHECK(properties[0].tokens == std::vector<std::string>{"strict"});
  CHECK(properties[1].tokens == std::vector<std::string>{"0"});
  const UnitProperty& list = properties[2];
  CHECK(list.signature == "a(ss)");
  CHECK(list.tokens.size() == 1 + 2 * std::stoul(list.tokens[0]));
  CHECK(has(list, "char-195", "rwm"));
  CHECK(has(list, "/dev/block/8:16", "rwm"));
  CHECK(has(list, "/dev/char/1:3", "rwm"));  // of every container
  CHECK(has(list, "char-136", "rwm"));
  CHECK(has(list, "char-*", "m"));
  CHECK(has(list, "block-*", "m"));
}

TEST_CASE("no rules are no policy, and everything is everything", "[cgroups]") {
  CHECK(device_properties({}).empty());
  const auto properties = device_properties({everything(true)});
  CHECK(properties[0].tokens == std::vector<std::string>{"auto"});
  CHECK(properties[2].tokens == std::vector<std::string>{"0"});
}
