// The annotations run.oci.hooks.stdout and run.oci.hooks.stderr: files that take what hooks print.
#pragma once

#include <map>
#include <string>

#include "sys/fd.hpp"

namespace ocx::runtime {

/// Without a file the end of the output is kept for the message of a hook that fails.
struct HookOutput {
  sys::UniqueFd output, error_output;
};

/// Opens the files of the annotations for appending, made 0600; a relative path is below the bundle. Links
/// are followed: a configuration is root's word, and /dev/stderr is one. Error: with the annotation's origin.
HookOutput open_hook_output(const std::map<std::string, std::string>& annotations, const std::string& bundle);

/// The same; a file that can't be opened is a warning.
HookOutput try_open_hook_output(const std::map<std::string, std::string>& annotations,
                                const std::string& bundle);

}  // namespace ocx::runtime
