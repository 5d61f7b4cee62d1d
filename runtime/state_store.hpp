// The state directory: <root>/<id>/ with the record later commands read, the copy of config.json, and the
// start gate.
//
//   state.json    0600, replaced by rename; keys other tools know from runc (id, init_process_pid,
//   init_process_start,
//                 created, cgroup_paths, namespace_paths, config) and ocx's own
//   config.json   the document as it was at create (later edits of the bundle change nothing)
//   exec.json     the part of it that `exec` needs (spec/exec_document.hpp)
//   start         the start gate, a listening socket; there exactly while the container is `created`
//
// One command at a time changes a container: the directory itself is flock()ed. Readers take no lock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroups/resctrl_groups.hpp"
#include "runtime/request.hpp"
#include "spec/config.hpp"
#include "spec/state.hpp"
#include "sys/fd.hpp"

namespace ocx::runtime {

/// What create leaves for later commands: enough for all of them, so that none parses config.json again.
struct Record {
  std::string id;
  std::string oci_version;       // of the config
  bool created = false;          // create has finished; before, the status is `creating`
  int pid = 0;                   // init, in the runtime's pid namespace; 0 before it is cloned
  std::uint64_t start_time = 0;  // field 22 of /proc/PID/stat, clock ticks: tells a recycled pid
  std::string bundle, rootfs;    // absolute
  std::string created_at;        // RFC 3339, UTC, nanoseconds
  std::uint32_t owner_uid = 0;
  std::map<std::string, std::string> annotations;
  CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
  std::map<std::string, std::string> cgroup_paths;  // controller -> directory; "" on v2
  std::vector<std::string> cgroups_made;            // directories this container created, outermost first
  std::string cgroup_unit;                          // the systemd driver's scope
  spec::Resources resources;  // in force: config.json's, then what `update` made of them
  cgroups::ResctrlGroups intel_rdt;
  std::map<std::string, std::string> namespace_paths;
  bool own_pid_namespace = true;
  bool own_mount_namespace = true;
  bool own_keyring = true;  // a session keyring named after the container
  bool has_process = true;
  bool notify = false;  // <id>/notify is mounted in the container
  std::vector<spec::Hook> poststart, poststop;
  std::string stop_signal;  // org.opencontainers.image.stopSignal
};

/// One container's directory, open. Made by reserve() or open().
class StateDirectory {
 public:
  /// The compiled filter, which is runtime/seccomp.hpp's.
  static constexpr const char* seccomp_file = "seccomp";

  /// Makes <root>/<id> exclusively (parents 0700, itself 0711) and locks it.
  /// Errors: already_exists; invalid or empty id.
  static StateDirectory reserve(const Globals& globals, const std::string& id);
  /// Opens without a lock. Error: does_not_exist.
  static StateDirectory open(const Globals& globals, const std::string& id);
  /// Opens and locks; waits up to 10 s for another command, then an error that says the container is busy.
  /// A directory removed while waiting gives does_not_exist.
  static StateDirectory open_locked(const Globals& globals, const std::string& id);

  /// Errors: does_not_exist when there is no record yet; failed when the record is damaged.
  Record load() const;
  /// Atomic: temporary file and rename.
  void save(const Record& record) const;
  void save_config(std::string_view document) const;
  void save_exec_document(std::string_view document) const;
  /// Error: failed, when it is missing.
  std::string load_config() const;
  std::string load_exec_document() const;
  /// Removes the directory and what is in it; the lock ends with this object.
  void erase();
  /// Lets other commands at a container that this one goes on to watch (foreground `run`).
  void unlock() const;
  /// Takes the lock again, as open_locked() does. False when the container was deleted meanwhile.
  bool relock() const;

  /// The start gate. make_gate() listens; connect_gate() connects; close_gate() removes the name.
  sys::UniqueFd make_gate() const;
  sys::UniqueFd connect_gate() const;
  void close_gate() const;
  bool has_gate() const;

  const std::string& id() const { return id_; }
  sys::FdRef fd() const { return directory_; }

 private:
  StateDirectory(std::string id, std::string path, sys::UniqueFd root, sys::UniqueFd directory);
  bool lock() const;

  std::string id_, path_;
  sys::UniqueFd root_, directory_;
};

/// --root, or /run/ocx; $XDG_RUNTIME_DIR/ocx for an unprivileged user or root of a user namespace (empty
/// counts as unset). A user without the variable: /run/user/UID/ocx where that is his own, else /tmp/ocx-UID.
std::string state_root(const std::string& option);
/// XDG Base Directory Specification: the sticky bit keeps what lives long in $XDG_RUNTIME_DIR from being
/// cleaned up by age.
mode_t state_root_mode(const std::string& root);
/// Throws when the root in /tmp, where anybody may have made it, is not the caller's own (it is to be checked
/// open).
void check_state_root(sys::FdRef root, const std::string& path);
/// Throws for ids outside [A-Za-z0-9_+.-], "." and "..", and empty ones.
void check_id(const std::string& id);
/// Names of the directories in the state root, sorted; a missing default root is an empty list, a missing
/// explicit one an error (`explicit_root`).
std::vector<std::string> container_ids(const Globals& globals);

/// The live status: creating until the record says created; stopped when init is gone, a zombie, or another
/// process; paused when the cgroup is frozen (before `start`, too); created while the gate is there; else
/// running.
spec::Status live_status(const StateDirectory& directory, const Record& record);
/// True while `pid` is alive, no zombie, and has that start time.
bool is_alive(int pid, std::uint64_t start_time);
spec::State to_state(const Record& record, spec::Status status);

}  // namespace ocx::runtime
