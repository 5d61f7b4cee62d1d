// From an image to a running container. As with Launch, everything acquired arms a rollback at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cgroups/manager.hpp"
#include "cgroups/resctrl.hpp"
#include "runtime/checkpoint_image.hpp"
#include "runtime/checkpoint_request.hpp"
#include "runtime/criu.hpp"
#include "runtime/plan.hpp"
#include "runtime/state_store.hpp"
#include "sys/process.hpp"
#include "sys/procfs.hpp"
#include "sys/rollback.hpp"

namespace ocx::runtime {

/// A restored container. Not movable: rollback actions refer to it.
class Restoration {
 public:
  /// Brings the container back: its processes run, its state is `running`. Errors leave nothing behind.
  Restoration(const Globals& globals, const RestoreRequest& request);
  Restoration(const Restoration&) = delete;
  Restoration& operator=(const Restoration&) = delete;
  ~Restoration() = default;

  /// Console and pidfd handed over, pid file last. Nothing is undone after this.
  void commit();

  const Record& record() const { return record_; }
  StateDirectory& directory() { return directory_; }
  sys::FdRef pidfd() const { return init_; }
  sys::FdRef console() const { return console_; }  // -1: handed over, or none
  sys::UniqueFd take_console() { return std::move(console_); }

 private:
  /// A scope of systemd's needs a process to be made with, before criu can move any into it.
  void hold_scope();
  void call_criu();
  /// It lives in a mount namespace where the root file system is a mount point: pivot_root(2) wants one.
  std::unique_ptr<CriuProcess> start_criu(CriuOptions& options);
  CriuOptions make_options();
  void add_namespaces(CriuOptions& options);
  void add_cgroup_roots(CriuOptions& options) const;
  void hear(const std::string& script, int pid, std::vector<sys::UniqueFd> fds);
  void namespaces_made(int pid);
  void processes_made();
  int pass(sys::FdRef fd);

  const Globals& globals_;
  const RestoreRequest& request_;
  std::string document_;
  sys::Procfs proc_;
  Plan plan_;
  CheckpointImage image_;
  StateDirectory directory_;
  Record record_;
  std::unique_ptr<cgroups::Manager> cgroup_;
  std::optional<cgroups::ResctrlSetup> resctrl_;
  sys::CloneResult stand_in_;
  std::vector<sys::FdRef> passed_;         // to criu
  std::vector<sys::UniqueFd> namespaces_;  // those of passed_ that are ours
  sys::UniqueFd init_, console_;
  bool hooks_have_run_ = false;
  // Last, so destroyed first.
  sys::Rollback rollback_;
};

}  // namespace ocx::runtime
