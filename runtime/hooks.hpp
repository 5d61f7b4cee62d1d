// Hooks (config.md, "POSIX-platform Hooks"): state JSON on stdin, own environment, a time limit, a rule per
// kind for failure.
#pragma once

#include <string>
#include <vector>

#include "runtime/hook_output.hpp"
#include "spec/config.hpp"
#include "spec/state.hpp"

namespace ocx::runtime {

struct HookContext {
  const char* kind;                      // "createRuntime": for messages and origin (/hooks/createRuntime/1)
  spec::State state;                     // as this kind has to see it
  std::string directory;                 // the hook's cwd; empty: keep the current one
  std::vector<std::string> default_env;  // when the hook gives none (startContainer: the process's)
  // Inherited by init, which can't open them itself. Null: run_hooks() opens what the state's annotations
  // name.
  const HookOutput* output = nullptr;
};

/// Runs a list in order; throws at the first failure, with exit status and what the hook wrote:
/// `error running createRuntime hook #0: exit status 1, stdout: …, stderr: …` (unless that went to a file).
/// On timeout the hook's process group is killed. Output pipes held open by a daemonised grandchild do not
/// delay the return.
void run_hooks(const std::vector<spec::Hook>& hooks, const HookContext& context);
/// poststop: a failure is a warning and the rest still run.
void run_hooks_ignoring_failures(const std::vector<spec::Hook>& hooks, const HookContext& context);

}  // namespace ocx::runtime
