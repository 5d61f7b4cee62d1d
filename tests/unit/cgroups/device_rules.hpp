// Device rules as tests write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spec/resources.hpp"

namespace ocx::test {

using Number = std::optional<std::int64_t>;
inline const Number any = std::nullopt;

/// `access`: letters of "rwm".
inline spec::DeviceRule rule(bool allow, char type, Number major, Number minor, const std::string& access) {
  const auto has = [&](char c) { return access.find(c) != std::string::npos; };
  return {allow, type, major, minor, has('r'), has('w'), has('m')};
}
inline const spec::DeviceRule deny_all = rule(false, 'a', any, any, "rwm");
inline const spec::DeviceRule allow_all = rule(true, 'a', any, any, "rwm");

}  // namespace ocx::test
