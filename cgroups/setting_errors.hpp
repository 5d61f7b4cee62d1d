// Why the kernel refused a setting, as far as one can find out afterwards.
#pragma once

#include <string>

#include "cgroups/settings.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {

/// For a write(2) to `file` in `directory` that failed; with origin and remedy.
Error refused_setting(const Setting& setting, const std::string& directory, const std::string& file,
                      const std::string& value, int error_number);
/// Kind unsupported: the directory has no such file.
Error missing_file(const Setting& setting, const std::string& directory);
/// Kind unsupported: no mounted hierarchy has the controller.
Error missing_controller(const Setting& setting);

}  // namespace ocx::cgroups
