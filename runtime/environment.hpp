// The payload's environment.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::runtime {

/// `env` with every name once: the last value wins, at the place of the first.
std::vector<std::string> payload_environment(const std::vector<std::string>& env);
std::optional<std::string> variable(const std::vector<std::string>& env, std::string_view name);
void set_variable(std::vector<std::string>& env, std::string_view name, std::string_view value);

/// The home directory of `uid` by the container's own /etc/passwd (read inside `root`, bounded, never through
/// NSS), or "/".
std::string home_directory(sys::FdRef root, uid_t uid);

}  // namespace ocx::runtime
