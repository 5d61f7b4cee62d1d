// The state of a container (runtime.md, "State") as commands print it and hooks receive it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace ocx::spec {

enum class Status { creating, created, running, paused, stopped };

const char* status_name(Status status);

struct State {
  std::string id;
  Status status = Status::creating;
  int pid = 0;  // as seen by whoever reads it; 0 when stopped
  std::string bundle;
  std::map<std::string, std::string> annotations;
  // Beyond the specification, printed by `state` and `list`:
  std::string rootfs, created /* RFC 3339, UTC, nanoseconds */, owner;
};

/// The document of the specification's schema, one line: for hooks and seccomp agents. Never says "paused"
/// (prints running).
std::string write_hook_state(const State& state);
/// `ocx state`: two-space indent, no final newline, with rootfs, created and owner.
std::string write_state(const State& state);
/// `ocx list --format json`: the same objects in one array on one line; "null" when there is none.
std::string write_state_list(const std::vector<State>& states);

}  // namespace ocx::spec
