// The options before the command, and what they choose for every command.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cmd/arguments.hpp"
#include "runtime/request.hpp"
#include "sys/log.hpp"

namespace ocx::cmd {

extern const std::span<const Option> global_options;

struct GlobalRequest {
  runtime::Globals runtime;
  sys::LogOptions log;
  bool version = false, help = false;
  std::vector<std::string> warnings;  // of options that have no effect; logged once the log is open
  std::vector<std::string> rest;      // the command and its words
};

/// `words` is argv without its first. Errors are usage errors.
GlobalRequest parse_globals(const std::vector<std::string>& words);

/// `path` made absolute against the current directory, lexically cleaned; empty stays empty.
std::string absolute_path(const std::string& path);

}  // namespace ocx::cmd
