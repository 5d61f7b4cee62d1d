// A state root of the test's own, and processes to put on record.
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "runtime/state_store.hpp"
#include "sys/process.hpp"

namespace ocx::test {

class StateRoot {
 public:
  StateRoot() {
    std::string name = (std::filesystem::temp_directory_path() / "ocx-state-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
    globals_.root = path_ + "/missing/root";
    globals_.explicit_root = true;
  }
  ~StateRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  StateRoot(const StateRoot&) = delete;
  StateRoot& operator=(const StateRoot&) = delete;

  const runtime::Globals& globals() const { return globals_; }
  std::string of(const std::string& id) const { return globals_.root + "/" + id; }

 private:
  std::string path_;
  runtime::Globals globals_;
};

/// A child that sleeps until it is killed; stands for a container's init.
class WaitingProcess {
 public:
  WaitingProcess() : pid_(::fork()) {
    if (pid_ != 0) return;
    while (true) ::pause();
  }
  ~WaitingProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  WaitingProcess(const WaitingProcess&) = delete;
  WaitingProcess& operator=(const WaitingProcess&) = delete;

  int pid() const { return pid_; }
  /// A record of a container without cgroups whose init this is.
  runtime::Record record(const std::string& id) const {
    runtime::Record record;
    record.id = id;
    record.created = true;
    record.pid = pid_;
    record.start_time = sys::process_stat(pid_)->start_time;
    record.bundle = "/";
    record.rootfs = "/nowhere";
    record.created_at = "2026-01-02T03:04:05.000000006Z";
    record.cgroup_driver = runtime::CgroupDriver::disabled;
    return record;
  }
  /// The signal that ended it, within a second; 0 while it runs. It stays a zombie.
  int killed_by() const {
    const sys::UniqueFd pidfd = sys::pidfd_open(pid_);
    if (!sys::pidfd_wait(pidfd, 1000)) return 0;
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
    return info.si_status;
  }
  bool is_running() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }

 private:
  pid_t pid_;
};

}  // namespace ocx::test
