#include "runtime/cpu_affinity.hpp"

#include <cerrno>

#include "sys/error.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {

void set_cpu_affinity(const std::string& cpus, const std::string& phase) {
  const auto list = sys::parse_cpu_list(cpus);
  if (!list || list->empty()) return;  // the validator has refused what is no list
  try {
    sys::sched_setaffinity(*list);
  } catch (Error& error) {
    error.in("run on CPUs " + sys::quote(cpus)).at("/process/execCPUAffinity/" + phase);
    if (error.error_number() == EINVAL) error.hint("none of them is online and in the cpuset of the process");
    throw;
  }
}

}  // namespace ocx::runtime
