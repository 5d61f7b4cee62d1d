// The verbs: the public interface of runtime/, one .cpp each. Every failure is an ocx::Error and leaves
// things as they were (runtime.md, "Errors") except where the specification orders the container destroyed
// (hooks).
#pragma once

#include <string>
#include <vector>

#include "runtime/checkpoint_request.hpp"
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

/// Runs one more process in a created or running container. Returns its exit status, or 128 + its signal;
/// 0 when detached: then, too, its program has been executed. Errors: `cannot exec in a stopped container`,
/// and of a paused one without ignore_paused; what create says of a program that can't be executed.
int exec(const Globals& globals, const ExecRequest& request);

/// runtime.md "Query State"; the status is looked up live.
spec::State state(const Globals& globals, const std::string& id);

/// Every readable container, sorted by id; unreadable entries are warned about and skipped.
std::vector<spec::State> list(const Globals& globals);

/// runtime.md "Kill". SIGKILL of a paused container thaws it; a container without a pid namespace of its own
/// loses its whole cgroup to SIGKILL.
void kill(const Globals& globals, const KillRequest& request);

/// Stops every process of a created or running container until resume() (cgroup freezer); its status is then
/// `paused`. Errors: `container not running` (a paused one, too); no freezer.
void pause(const Globals& globals, const std::string& id);
/// Lets a paused container go on. Error: `container not paused`.
void resume(const Globals& globals, const std::string& id);

/// Changes limits of a created, running or paused container; what the request leaves out stays, devices
/// always do (with a warning when they differ). All or nothing: after an error the old limits are in force
/// and on record. Errors: `container not running`; a rule broken by the request together with what is in
/// force.
void update(const Globals& globals, const UpdateRequest& request);

/// runtime.md "Delete": undoes create, then runs poststop hooks.
void remove(const Globals& globals, const DeleteRequest& request);

/// Dumps a running or paused container with criu(8) into a directory; then it is gone, unless the request
/// keeps it running. After an error it goes on as it was. Errors: `container cannot be checkpointed in
/// stopped state`; unsupported (no criu, or too old; not root); what criu says.
void checkpoint(const Globals& globals, const CheckpointRequest& request);
/// Makes a container of a bundle and an image. Its first process is a child of the caller. Returns as run()
/// does.
int restore(const Globals& globals, const RestoreRequest& request);

/// Ids in the state root that match the POSIX extended regular expression, sorted.
std::vector<std::string> matching_ids(const Globals& globals, const std::string& expression);

/// The program config.json compiles to, in words or as JSON, without running any of it.
std::string explain(const Globals& globals, const CreateRequest& request, bool json);

}  // namespace ocx::runtime
