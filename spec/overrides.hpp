// What a command line says instead of config.json (`ocx run`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/resources.hpp"

namespace ocx::spec {

/// What is absent or empty stays as the document has it.
struct Overrides {
  std::vector<std::string> args;  // process.args
  std::vector<std::string>
      env;  // "K=V", each in the place of process.env's entry of that name, or at its end
  std::optional<std::uint32_t> uid, gid;
  std::optional<bool> terminal;
  std::optional<std::string> hostname;
  Resources resources;  // those of memory, cpu and pids that are given

  bool any() const;
};

/// The document with these changes, to be parsed like any other; a `process` that is missing is made when
/// there are args. Errors: as JsonDocument's; what is of another type than it has to be is left for the
/// parser.
std::string override_config(std::string_view document, const Overrides& overrides);

}  // namespace ocx::spec
