// The container's init until its program is executed: the one process an attacker can reach.
#pragma once

#include <string>

#include "runtime/hook_output.hpp"
#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/procfs.hpp"

namespace ocx::runtime {

/// What the parent leaves for its child, all of it made before the clone.
struct InitArguments {
  const Plan& plan;
  const sys::Procfs& proc;
  sys::FdRef channel;          // init's end of the handshake
  sys::FdRef gate;             // the listening start gate; -1 for `run`, which starts over the handshake
  bool cgroup_joined = false;  // cloned into it, or there is none: no message will come
  std::string fail_at;         // tests: "build:3", the step that has to fail
  const HookOutput* hook_output = nullptr;  // for the hooks that init runs
};

/// The child's main function.
[[noreturn]] void init_main(const InitArguments& arguments) noexcept;

}  // namespace ocx::runtime
