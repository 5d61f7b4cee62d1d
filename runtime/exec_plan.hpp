// What `exec` is going to do, from what create has kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/plan.hpp"
#include "runtime/request.hpp"
#include "runtime/state_store.hpp"
#include "spec/config.hpp"

namespace ocx::runtime {

/// What has to be known of the machine and the running container.
struct ExecFacts {
  HostFacts host;
  std::uint64_t namespaces = 0;  // CLONE_NEW* to join
  uid_t root_uid = 0;            // of the user namespace to join: 0, where that is mapped
  gid_t root_gid = 0;
  std::optional<spec::ConsoleSize> terminal_size;  // of the caller's terminal, in the foreground
};

/// Compiles. Pure. `kept` is the container's exec document, `process` what is to run.
Plan plan_exec(const Record& record, const spec::Config& kept, const spec::Process& process,
               const ExecRequest& request, const ExecFacts& facts, std::vector<std::string>& warnings);

}  // namespace ocx::runtime
