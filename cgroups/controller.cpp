#include "cgroups/controller.hpp"

#include <cerrno>

#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::cgroups {

std::optional<ControllerDirectory> find_controller(const Paths& paths, const std::string& controller) {
  for (const auto& [name, v2] : {std::pair(controller, false), {"", true}, {"unified", true}})
    if (const auto found = paths.find(name); found != paths.end())
      return ControllerDirectory{found->second, v2};
  return std::nullopt;
}

std::optional<std::string> read_cgroup_file(sys::FdRef directory, const std::string& name) {
  try {
    return sys::read_file_if_any(directory, name);
  } catch (const Error& error) {
    if (error.error_number() == ENODEV || error.error_number() == EOPNOTSUPP) return std::nullopt;
    throw;
  }
}

}  // namespace ocx::cgroups
