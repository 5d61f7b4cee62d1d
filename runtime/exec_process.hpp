// Which process `exec` adds: config.json's, changed by the command line. Pure.
#pragma once

#include "runtime/request.hpp"
#include "spec/config.hpp"

namespace ocx::runtime {

/// `process` is the container's, or that of --process. Errors (invalid_config): what the changes make of it
/// breaks a rule of the specification.
spec::Process changed_process(spec::Process process, const ExecChanges& changes);

}  // namespace ocx::runtime
