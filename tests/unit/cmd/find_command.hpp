// The row of a command, for tests.
#pragma once

#include <catch2/catch.hpp>

#include <string_view>

#include "cmd/command.hpp"

namespace ocx::test {

inline const cmd::Command& command(std::string_view name) {
  const cmd::Command* found = cmd::find_command(name);
  INFO(name);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace ocx::test
