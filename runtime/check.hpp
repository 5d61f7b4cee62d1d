// `ocx check`: everything that is wrong with a bundle, and what this machine lacks for it.
#pragma once

#include <string>
#include <vector>

#include "runtime/request.hpp"

namespace ocx::runtime {

enum class Severity {
  error,    // create or start would fail, on any machine
  missing,  // the bundle is right, but this machine or caller can't give it
  warning   // without effect, or not what was probably meant
};

struct Finding {
  Severity severity = Severity::error;
  std::string pointer;  // JSON pointer into config.json as it is written; empty: the whole of it
  std::string message, remedy;
};

/// Errors first, what is missing next, warnings last; each in the order it was found. Looks only: no
/// container, cgroup or file is made (but, for id-mapped mounts, a mount at no place and a user namespace
/// that end with the call). Errors: only when config.json can't be read.
std::vector<Finding> check(const Globals& globals, const CreateRequest& request);

}  // namespace ocx::runtime
