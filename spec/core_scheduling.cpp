#include "spec/core_scheduling.hpp"

#include <string_view>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

/// A positive process id, or 0.
int pid_of(std::string_view text) {
  const auto number = sys::parse_uint(text);
  return number && *number <= 0x7fffffff ? static_cast<int>(*number) : 0;
}

/// Of "/proc/N/ns/ipc"; else 0.
int owner_of(std::string_view path) {
  constexpr std::string_view proc = "/proc/";
  if (!path.starts_with(proc)) return 0;
  path.remove_prefix(proc.size());
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos || !path.substr(slash).starts_with("/ns/")) return 0;
  return pid_of(path.substr(0, slash));
}

int pod_of(const Linux& linux) {
  for (const Namespace& ns : linux.namespaces)
    if (const int pid = owner_of(ns.path); pid != 0) return pid;
  return 0;
}

Error unknown_value(const std::string& value) {
  Error error("unknown value " + sys::quote(value) + " for core scheduling", ErrorKind::invalid_config);
  error.at(std::string("/annotations/") + core_scheduling_annotation);
  return error.hint("use new, pod, or pid:N");
}

}  // namespace

std::optional<CoreScheduling> parse_core_scheduling(const std::map<std::string, std::string>& annotations,
                                                    const Linux& linux) {
  const auto found = annotations.find(core_scheduling_annotation);
  if (found == annotations.end()) return std::nullopt;
  const std::string& value = found->second;
  if (value == "new") return CoreScheduling{};
  if (value == "pod") return CoreScheduling{pod_of(linux)};
  const int pid = value.starts_with("pid:") ? pid_of(std::string_view(value).substr(4)) : 0;
  if (pid == 0) throw unknown_value(value);
  return CoreScheduling{pid};
}

}  // namespace ocx::spec
