// The command line of `run`, as people type it: a bundle instead of an id, and what config.json says
// otherwise.
#pragma once

#include "cmd/arguments.hpp"
#include "cmd/command.hpp"
#include "runtime/request.hpp"

namespace ocx::cmd {

/// `run ID` and `run --bundle DIR ID` name the container; `run DIR` a bundle: no id has a slash, or is "." or
/// "..".
bool names_bundle(const Arguments& arguments);

/// Its id is empty when the bundle is named instead. Errors (usage): options that exclude each other, values
/// that are none.
runtime::RunRequest run_request(const Arguments& arguments);

}  // namespace ocx::cmd
