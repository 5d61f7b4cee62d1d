// The command line of `exec`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

/// Errors (usage): what is no number where ids are due; an unknown capability; a command or an option for
/// what --process describes beside --process; no command without it.
runtime::ExecRequest exec_request(const Arguments& arguments);

/// A decimal user or group id; -1 (4294967295) is none.
std::uint32_t id_value(std::string_view option, std::string_view text);

}  // namespace ocx::cmd
