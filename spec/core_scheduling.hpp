// Core scheduling by annotation (prctl(2), PR_SCHED_CORE): the specification has no property for it. The
// annotation is explained in docs/annotations.md.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "spec/linux.hpp"

namespace ocx::spec {

/// Which cookie a process gets: those with the same one may run on the threads of a core at the same time.
struct CoreScheduling {
  int share_with = 0;  // a process, as ocx sees it, to take the cookie of; 0: a new one
};

inline constexpr const char* core_scheduling_annotation = "org.ocx.core-scheduling";

/// What the annotation asks for: "new"; "pid:N"; "pod", which is the process that the namespaces joined by
/// /proc/N/ns/… belong to, or a new cookie where none is joined so. Throws Error (invalid_config).
std::optional<CoreScheduling> parse_core_scheduling(const std::map<std::string, std::string>& annotations,
                                                    const Linux& linux);

}  // namespace ocx::spec
