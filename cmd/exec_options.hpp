// The command line of `exec`; `run` has some of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

/// Errors (usage): what is no number where ids are due; an unknown capability; a command or an option for
/// what --process describes beside --process; no command without it.
runtime::ExecRequest exec_request(const Arguments& arguments);

/// A decimal user or group id; -1 (4294967295) is none.
std::uint32_t id_value(std::string_view option, std::string_view text);
/// --user UID[:GID]; without it both stay.
void read_user(const Arguments& arguments, std::optional<std::uint32_t>& uid,
               std::optional<std::uint32_t>& gid);
/// The values of --env. Error (usage): one that is not NAME=VALUE.
std::vector<std::string> variables(const std::vector<std::string>& env);

}  // namespace ocx::cmd
