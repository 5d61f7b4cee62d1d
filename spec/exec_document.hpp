// The part of config.json that `exec` needs, kept beside it: later commands never parse the whole again.
#pragma once

#include <string>
#include <string_view>

#include "spec/config.hpp"
#include "spec/json_reader.hpp"

namespace ocx::spec {

/// A document of the same form with /process and, of /linux, namespaces, personality, memoryPolicy and
/// seccomp. A filter's rules are left out, since they are compiled by then; one that notifies stands for all
/// that do.
std::string write_exec_document(const Json& config);

/// What write_exec_document() made; other properties are absent. Its rules were checked by create. Throws
/// Error when it is damaged.
Config parse_exec_document(std::string_view document);

}  // namespace ocx::spec
