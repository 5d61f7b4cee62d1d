// process.execCPUAffinity (config.md, "Linux Process").
#pragma once

#include <string>

namespace ocx::runtime {

/// The calling process runs on the CPUs of this list ("0-3,7") from now on; an empty one changes nothing.
/// `phase`, "initial" or "final", is the property's name, and the end of an error's origin.
void set_cpu_affinity(const std::string& cpus, const std::string& phase);

}  // namespace ocx::runtime
