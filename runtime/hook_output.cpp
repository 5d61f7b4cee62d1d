#include "runtime/hook_output.hpp"

#include <fcntl.h>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"

namespace ocx::runtime {
namespace {

using Annotations = std::map<std::string, std::string>;

sys::UniqueFd open_file(const Annotations& annotations, const char* name, const std::string& bundle) {
  const auto found = annotations.find(name);
  if (found == annotations.end() || found->second.empty()) return {};
  const std::string path = found->second.starts_with('/') ? found->second : bundle + "/" + found->second;
  try {
    return sys::openat(sys::FdRef::cwd(), path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC, 0600);
  } catch (Error& error) {
    throw error.in("output of hooks").at(std::string("/annotations/") + name);
  }
}

}  // namespace

HookOutput open_hook_output(const Annotations& annotations, const std::string& bundle) {
  return {open_file(annotations, "run.oci.hooks.stdout", bundle),
          open_file(annotations, "run.oci.hooks.stderr", bundle)};
}

HookOutput try_open_hook_output(const Annotations& annotations, const std::string& bundle) {
  try {
    return open_hook_output(annotations, bundle);
  } catch (const Error& error) {
    sys::log_warning(std::string(error.what()) + ", ignoring");
    return {};
  }
}

}  // namespace ocx::runtime
