// What `ocx check` prints. Pure.
#pragma once

#include <string>
#include <vector>

#include "runtime/check.hpp"

namespace ocx::cmd {

std::string check_text(const std::string& bundle, const std::vector<runtime::Finding>& findings,
                       bool colours);
std::string check_json(const std::string& bundle, const std::vector<runtime::Finding>& findings);
/// The exit code.
int check_status(const std::vector<runtime::Finding>& findings);

}  // namespace ocx::cmd
