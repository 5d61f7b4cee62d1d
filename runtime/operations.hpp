// The verbs: the public interface of runtime/, one .cpp each. Every failure is an ocx::Error and leaves
// things as they were (runtime.md, "Errors") except where the specification orders the container destroyed
// (hooks).
#pragma once

#include <string>
#include <vector>

#include "runtime/request.hpp"
#include "spec/state.hpp"

namespace ocx::runtime {

/// runtime.md "Create". On return the state is `created` and the pid file is written.
void create(const Globals& globals, const CreateRequest& request);

/// runtime.md "Start": opens the start gate, waits for the exec, runs poststart hooks.
void start(const Globals& globals, const std::string& id);

/// Create, start and, unless detached, wait and delete. Returns the payload's exit status, or 128 + its
/// signal; 0 when detached.
int run(const Globals& globals, const RunRequest& request);

/// runtime.md "Query State"; the status is looked up live.
spec::State state(const Globals& globals, const std::string& id);

/// Every readable container, sorted by id; unreadable entries are warned about and skipped.
std::vector<spec::State> list(const Globals& globals);

/// runtime.md "Kill". SIGKILL of a paused container thaws it; a container without a pid namespace of its own
/// loses its whole cgroup to SIGKILL.
void kill(const Globals& globals, const KillRequest& request);

/// runtime.md "Delete": undoes create, then runs poststop hooks.
void remove(const Globals& globals, const DeleteRequest& request);

/// Ids in the state root that match the POSIX extended regular expression, sorted.
std::vector<std::string> matching_ids(const Globals& globals, const std::string& expression);

/// The program config.json compiles to, in words or as JSON, without running any of it.
std::string explain(const Globals& globals, const CreateRequest& request, bool json);

}  // namespace ocx::runtime
