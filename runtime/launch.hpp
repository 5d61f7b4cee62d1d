// From a request to an init that waits: what create and run share. Everything acquired arms a rollback at
// once; only commit() keeps it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cgroups/manager.hpp"
#include "cgroups/resctrl.hpp"
#include "runtime/handshake.hpp"
#include "runtime/idmapped_mount.hpp"
#include "runtime/net_devices.hpp"
#include "runtime/plan.hpp"
#include "runtime/request.hpp"
#include "runtime/state_store.hpp"
#include "sys/process.hpp"
#include "sys/procfs.hpp"
#include "sys/rollback.hpp"

namespace ocx::runtime {

/// How the container will be started, which decides what it needs.
struct LaunchMode {
  bool gate = true;         // `create`: a later `start` opens the gate; `run` starts over the handshake
  bool foreground = false;  // `run` without --detach: the terminal stays with the caller
};

/// A launched container. Not movable: rollback actions refer to it.
class Launch {
 public:
  /// Brings the container to where init has done everything but exec. Errors leave nothing behind.
  Launch(const Globals& globals, const CreateRequest& request, LaunchMode mode);
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;
  ~Launch() = default;

  /// State `created`, console and pidfd handed over, pid file last; then init may wait at its gate. After
  /// this nothing is undone by the destructor.
  void commit();
  /// `run`: lets init go on; returns when the program was executed.
  void start();

  const Plan& plan() const { return plan_; }
  Record& record() { return record_; }
  StateDirectory& directory() { return directory_; }
  sys::FdRef pidfd() const { return init_.pidfd; }
  sys::FdRef console() const { return console_; }  // -1: handed over, or none
  sys::UniqueFd take_console() { return std::move(console_); }

 private:
  void clone_init();
  /// Id maps and cgroup, which init may be waiting for.
  void admit_init();
  void delegate_cgroup();
  void serve_until(MessageType wanted);
  void serve_tree(const std::string& request);
  /// Sends the filter, if there is one and it has not gone yet; without `compile`, only when it is at hand.
  void offer_seccomp(bool compile);
  void serve_listener(Message message);
  void move_net_devices();
  void run_parent_hooks();
  void set_attributes();
  /// Nothing is undone from here on.
  void settle();
  void fail_if_asked(const char* stage) const;
  [[noreturn]] void rethrow_with_cause();
  /// Runs a part of the conversation. When it fails because init did, init's error is the one to show: what
  /// was being done to it (a write to its cgroup, a message) failed for that reason.
  void with_inits_words(const std::function<void()>& talk);
  void hear_init_out(const Error& ours);

  const Globals& globals_;
  const CreateRequest& request_;
  LaunchMode mode_;
  std::string document_;
  sys::Procfs proc_;
  Plan plan_;
  StateDirectory directory_;
  Record record_;
  std::unique_ptr<cgroups::Manager> cgroup_;
  sys::UniqueFd gate_, init_end_;
  sys::CloneResult init_;
  Channel channel_;
  IdMappedMounts idmapped_mounts_{proc_};
  sys::UniqueFd console_;
  bool init_has_failed_ = false;  // and its words are on their way up
  bool attach_ = false;           // init was not cloned into its cgroup
  bool hooks_have_run_ = false;
  bool attributes_set_ = false;
  bool seccomp_sent_ = false;
  std::string fail_at_;
  std::optional<cgroups::ResctrlSetup> resctrl_;
  std::optional<NetDeviceMover> net_devices_;
  // Last, so destroyed first: its actions use the members above. Undone in reverse: init killed, cgroup
  // removed, state erased, then poststop hooks where others have run.
  sys::Rollback rollback_;
};

/// What the launch of this document does; warnings are logged.
Plan make_plan(const Globals& globals, const CreateRequest& request, LaunchMode mode,
               const std::string& document);
/// The record as it is before init exists.
Record make_record(const Globals& globals, const Plan& plan);
/// Reads <bundle>/<config file>; the contract's text when it is missing.
std::string read_config(const CreateRequest& request);
/// parse_config() with the warnings logged.
spec::Config load_config(const std::string& document, std::string* exec_document = nullptr);

/// Files of all namespaces of a process, by the names of /proc/PID/ns, for the record.
std::map<std::string, std::string> namespace_paths(int pid);
/// State of a record as a hook of that stage has to see it.
spec::State hook_state(const Record& record, spec::Status status);

}  // namespace ocx::runtime
