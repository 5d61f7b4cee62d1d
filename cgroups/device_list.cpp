#include "cgroups/device_list.hpp"

#include <algorithm>

#include "sys/error.hpp"

namespace ocx::cgroups {
namespace {

struct NumberedRule {
  spec::DeviceRule rule;
  int index = -1;
};

spec::DeviceRule allowed(char type, std::optional<std::int64_t> major, std::optional<std::int64_t> minor) {
  return {true, type, major, minor, true, true, true};
}

bool covers(const std::optional<std::int64_t>& wide, const std::optional<std::int64_t>& narrow) {
  return !wide || wide == narrow;
}

bool overlaps(const std::optional<std::int64_t>& a, const std::optional<std::int64_t>& b) {
  return !a || !b || a == b;
}

/// Every access that `narrow` names is named by `wide`, too.
bool covers(const spec::DeviceRule& wide, const spec::DeviceRule& narrow) {
  if (matches_everything(wide)) return true;
  return wide.type == narrow.type && covers(wide.major, narrow.major) && covers(wide.minor, narrow.minor) &&
         wide.read >= narrow.read && wide.write >= narrow.write && wide.mknod >= narrow.mknod;
}

bool overlaps(const spec::DeviceRule& a, const spec::DeviceRule& b) {
  if (matches_everything(a) || matches_everything(b)) return true;
  return a.type == b.type && overlaps(a.major, b.major) && overlaps(a.minor, b.minor) &&
         ((a.read && b.read) || (a.write && b.write) || (a.mknod && b.mknod));
}

/// True when what has been written decides all of `rule` already, and the same way.
bool changes_nothing(const std::vector<NumberedRule>& written, const spec::DeviceRule& rule) {
  if (!rule.read && !rule.write && !rule.mknod) return true;
  for (auto earlier = written.rbegin(); earlier != written.rend(); ++earlier) {
    if (earlier->rule.allow == rule.allow && covers(earlier->rule, rule)) return true;
    if (earlier->rule.allow != rule.allow && overlaps(earlier->rule, rule)) return false;
  }
  return false;
}

/// The kernel takes "a" for everything, whatever numbers and access follow: an `a` rule with less is a `b`
/// and a `c` rule.
std::vector<NumberedRule> expand(const std::vector<spec::DeviceRule>& rules) {
  std::vector<NumberedRule> result;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const int index = static_cast<int>(i);
    if (rules[i].type != 'a' || matches_everything(rules[i])) {
      result.push_back({rules[i], index});
      continue;
    }
    for (const char type : {'b', 'c'}) {
      result.push_back({rules[i], index});
      result.back().rule.type = type;
    }
  }
  return result;
}

std::string number(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : "*";
}

std::string line_of(const spec::DeviceRule& rule) {
  if (rule.type == 'a') return "a";
  std::string line = std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " ";
  if (rule.read) line += 'r';
  if (rule.write) line += 'w';
  if (rule.mknod) line += 'm';
  return line;
}

bool same_numbers(const spec::DeviceRule& a, const spec::DeviceRule& b) {
  return a.major == b.major && a.minor == b.minor;
}

/// The kernel keeps one list of exceptions, from "everything" or from "nothing", and takes away only those of
/// the very same numbers: a rule that reverses a part of an earlier wildcard would be silently without
/// effect.
void refuse_partial(const std::vector<NumberedRule>& written, const NumberedRule& item) {
  if (item.index < 0 || written.empty() || matches_everything(item.rule)) return;
  const spec::DeviceRule& base = written.front().rule;
  if (matches_everything(base) && base.allow != item.rule.allow)
    return;  // adds an exception, takes none away
  for (const NumberedRule& earlier : written) {
    if (earlier.rule.allow == item.rule.allow || !overlaps(earlier.rule, item.rule)) continue;
    if (same_numbers(earlier.rule, item.rule)) continue;
    throw Error("device rule \"" + line_of(item.rule) + "\" reverses a part of \"" + line_of(earlier.rule) +
                    "\", which cgroup v1 can't express",
                ErrorKind::unsupported)
        .at("/linux/resources/devices/" + std::to_string(item.index));
  }
}

}  // namespace

bool matches_everything(const spec::DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write && rule.mknod;
}

const std::vector<spec::DeviceRule>& default_device_rules() {
  static const std::vector<spec::DeviceRule> rules = {
      {true, 'c', std::nullopt, std::nullopt, false, false, true},
      {true, 'b', std::nullopt, std::nullopt, false, false, true},
      allowed('c', 1, 3),               // null
      allowed('c', 1, 5),               // zero
      allowed('c', 1, 7),               // full
      allowed('c', 1, 8),               // random
      allowed('c', 1, 9),               // urandom
      allowed('c', 5, 0),               // tty
      allowed('c', 5, 1),               // console
      allowed('c', 5, 2),               // ptmx
      allowed('c', 136, std::nullopt),  // pts/*
      allowed('c', 10, 200),            // net/tun: VPNs in containers count on it
  };
  return rules;
}

std::vector<DeviceWrite> device_writes(const std::vector<spec::DeviceRule>& rules) {
  std::vector<NumberedRule> all = expand(rules);
  for (const spec::DeviceRule& rule : default_device_rules()) all.push_back({rule, -1});
  // The last rule for everything settles all that came before it.
  const auto reset = std::find_if(all.rbegin(), all.rend(),
                                  [](const NumberedRule& item) { return matches_everything(item.rule); });
  if (reset != all.rend()) all.erase(all.begin(), reset.base() - 1);

  std::vector<NumberedRule> written;
  std::vector<DeviceWrite> writes;
  for (const NumberedRule& item : all) {
    if (changes_nothing(written, item.rule)) continue;
    refuse_partial(written, item);
    written.push_back(item);
    writes.push_back({item.rule.allow, line_of(item.rule), item.index});
  }
  return writes;
}

bool has_device_writes(const std::vector<spec::DeviceRule>& rules) {
  try {
    device_writes(rules);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace ocx::cgroups
