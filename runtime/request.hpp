// What each verb is asked to do: plain input, filled by cmd/.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/overrides.hpp"
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
  spec::Overrides overrides = {};
};

struct RunRequest {
  CreateRequest create;
  bool detach = false, keep = false, no_subreaper = false;
  bool remove = false;  // detached: a process stays, and deletes the container when its program ends
};

/// What the command line says of the process that `exec` adds; what is absent is as in config.json.
struct ExecChanges {
  std::vector<std::string> args;  // the command line; empty with --process
  std::optional<std::string> cwd;
  std::vector<std::string> env;  // "K=V", on top
  std::optional<std::uint32_t> uid, gid;
  std::vector<std::uint32_t> additional_gids;
  std::uint64_t capabilities = 0;  // to add; bit n is capability n
  std::optional<std::string> apparmor_profile, selinux_label;
  std::optional<bool> no_new_privileges;
  bool terminal = false;
};

struct ExecRequest {
  std::string id;
  std::string process_file;  // absolute; a `process` object that replaces config.json's; empty: none
  ExecChanges changes;
  std::string console_socket, pid_file, pidfd_socket;  // empty: not asked for; paths absolute
  std::vector<std::string> cgroups;                    // [CONTROLLER[,CONTROLLER]:]PATH, in the container's
  bool detach = false, ignore_paused = false;
  unsigned preserve_fds = 0;
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
  std::optional<std::string> l3_cache_schema = {}, mem_bw_schema = {};  // of linux.intelRdt
};

}  // namespace ocx::runtime
