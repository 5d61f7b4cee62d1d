// Commands that take one container, or with --regex all whose id matches.
#pragma once

#include <functional>
#include <string>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

inline constexpr Option regex_option{
    "regex", 'r', nullptr,
    "ID is a POSIX extended regular expression: act on every container that matches; none is no error"};

/// Calls `act` with the id, or with each match of it. One that fails does not keep the others from their
/// turn: the first error is thrown after the last.
void for_each_container(const runtime::Globals& globals, const Arguments& arguments,
                        const std::function<void(const std::string& id)>& act);

}  // namespace ocx::cmd
