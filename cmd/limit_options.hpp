// The options of `update` that stand for one property of linux.resources.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/arguments.hpp"
#include "spec/resources.hpp"

namespace ocx::cmd {

/// Names of those that are given.
std::vector<std::string> given_limits(const Arguments& arguments);

/// Their values. Errors (usage) name the option: no number, out of range, a 0 that would mean nothing.
spec::Resources limits(const Arguments& arguments);

/// The line of schemata that is given (--l3-cache-schema, --mem-bw-schema). Error (usage): not one line with
/// that start.
std::optional<std::string> schema_option(const Arguments& arguments, const char* option,
                                         std::string_view start);

/// JSON pointer of the property -> "--option".
std::map<std::string, std::string> limit_origins();

/// "512", "64k", "64kb", "64KiB", "1.5g": bytes, steps of 1024, k m g t p in either case. Nothing when it is
/// no size or too large.
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace ocx::cmd
