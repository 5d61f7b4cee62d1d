// Parts of linux.seccomp for tests.
#pragma once

#include <string>
#include <vector>

#include "tests/harness/bundle.hpp"

namespace ocx::test {

inline json seccomp_rule(const std::vector<std::string>& names, const std::string& action,
                         int errno_ret = -1) {
  json rule = {{"names", names}, {"action", action}};
  if (errno_ret >= 0) rule["errnoRet"] = errno_ret;
  return rule;
}

/// EPERM for all but what the probe and busybox need, and these.
json allow_list(const std::vector<std::string>& more);

}  // namespace ocx::test
