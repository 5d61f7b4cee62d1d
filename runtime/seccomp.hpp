// The seccomp filter of a container (config-linux.md, "Seccomp"), as the parent of a process sees it: where
// the program comes from, and who gets the listener.
//
//   create   cached_seccomp() right after the clone; else compile_seccomp() while init mounts. Both leave the
//            program in the state directory, in the file `seccomp`.
//   exec     stored_seccomp(): no compiler, no cache.
//   both     MessageType::seccomp carries the program; step::LoadSeccomp loads it (load_seccomp.cpp);
//            MessageType::listener brings the listener back: take_listener(), then send_listener().
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "runtime/handshake.hpp"
#include "runtime/state_store.hpp"
#include "spec/seccomp.hpp"
#include "spec/state.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

using Annotations = std::map<std::string, std::string>;

/// The program of this profile from the cache of the state root, also put into the container's directory; or
/// nothing. A cache that can't be used, and a file in it that is damaged or not of this user, count as
/// nothing.
std::optional<std::string> cached_seccomp(const StateDirectory& directory, const spec::Seccomp& profile,
                                          const Annotations& annotations);

/// Compiles the profile, and puts the program into the cache and into the container's directory. Errors:
/// invalid_config or unsupported with the origin of the rule (/linux/seccomp/syscalls/3).
std::string compile_seccomp(const StateDirectory& directory, const spec::Seccomp& profile,
                            const Annotations& annotations);

/// The program create left for the container; where that file is gone or damaged it is compiled again, from
/// what `profile` returns: with all its rules, which exec's own document lacks.
std::string stored_seccomp(const StateDirectory& directory, const std::function<spec::Seccomp()>& profile,
                           const Annotations& annotations);

/// The listener that this message of type `listener` brings: as its descriptor, or, when the filter would
/// stop such a message, by its number in the process, once that has loaded the filter. `pidfd`: the process.
/// Empty when the filter was not loaded after all: the next message says why. Error: something else came.
sys::UniqueFd take_listener(Message message, sys::FdRef pidfd);

/// Sends the listener with the container process state (runtime.md, "The Container Process State") to
/// listenerPath, in one message of one connection. `pid`: the process in the runtime's pid namespace;
/// `state`: of the container, `creating` for its first process, `running` for one of exec. Errors carry the
/// origin /linux/seccomp/listenerPath.
void send_listener(const spec::Seccomp& profile, int pid, const spec::State& state, sys::FdRef listener);

}  // namespace ocx::runtime
