// What each verb is asked to do: plain input, filled by cmd/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/resources.hpp"

namespace ocx::runtime {

enum class CgroupDriver { cgroupfs, systemd, disabled };
enum class Rootless { automatic, yes, no };

/// The global options that reach the runtime.
struct Globals {
  std::string root;            // state root, absolute; chosen by state_root()
  bool explicit_root = false;  // it came from --root: `list` then wants it to exist
  CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
  Rootless rootless = Rootless::automatic;
};

struct CreateRequest {
  std::string id;
  std::string bundle;                                  // absolute
  std::string config_file = "config.json";             // relative to the bundle, or absolute
  std::string console_socket, pid_file, pidfd_socket;  // empty: not asked for; paths absolute
  bool no_pivot = false, no_new_keyring = false;
  unsigned preserve_fds = 0;
};

struct RunRequest {
  CreateRequest create;
  bool detach = false, keep = false, no_subreaper = false;
};

struct KillRequest {
  std::string id;
  std::optional<int> signal;  // absent: the image's stop signal, else SIGTERM
  bool all = false;
};

struct DeleteRequest {
  std::string id;
  bool force = false;
};

struct UpdateRequest {
  std::string id;
  spec::Resources resources;  // what is absent stays as it is
  /// JSON pointer in a `linux.resources` object -> what the caller wrote instead ("--memory"), for errors.
  std::map<std::string, std::string> origins;
};

}  // namespace ocx::runtime
