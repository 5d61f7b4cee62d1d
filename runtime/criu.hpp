// The conversation with criu(8), which dumps and restores the processes: one `criu swrk`, a child of ours
// that serves requests on a SOCK_SEQPACKET pair and ends with it.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/criu_message.hpp"
#include "sys/fd.hpp"
#include "sys/process.hpp"

namespace ocx::runtime {

/// How criu's process is set up.
struct CriuSetup {
  std::vector<sys::FdRef> passed = {};  // passed[n] is its descriptor CriuProcess::first_passed + n
  std::string keyring = {};   // of its session, which the restored processes have; empty: the caller's
  bool ends_with_us = false;  // for a restore. A dump goes on: it lets the processes go at its end
  bool own_session = true;    // false: --shell-job, where the restored processes join the caller's
};

class CriuProcess {
 public:
  static constexpr int first_passed = 4;

  /// Starts it. Errors: criu is not in PATH, or older than what the options need (check_criu_version()).
  CriuProcess(const CriuSetup& setup, const CriuOptions& options);
  CriuProcess(const CriuProcess&) = delete;
  CriuProcess& operator=(const CriuProcess&) = delete;
  /// Closes the connection and waits: criu undoes what it has not finished.
  ~CriuProcess();

  /// A notification: its name, the pid it is about, a descriptor that came with it. What it throws makes criu
  /// give up.
  using Listener = std::function<void(const std::string& script, int pid, std::vector<sys::UniqueFd> fds)>;
  /// Makes a request and serves notifications until it is answered. Errors: the listener's; else what criu
  /// says of its failure, with the first error of the log, which is `log_path`.
  CriuResponse ask(const CriuRequest& request, const Listener& listener, const std::string& log_path);

 private:
  void say(const CriuRequest& request);
  CriuResponse receive(std::vector<sys::UniqueFd>& fds);
  void check_version(const CriuOptions& options);
  [[noreturn]] void fail_without_answer();

  sys::UniqueFd socket_, output_;
  sys::CloneResult child_;
};

/// What is asked for was there from some version on: `criu 3.10.0 is too old for --lsm-profile: 3.16 or newer
/// is needed`. Pure.
void check_criu_version(const CriuVersion& version, const CriuOptions& options);

/// The first error of a log of criu's, on one line, without time and pid: `mnt: No mapping for …
/// (criu/mount.c:100)`. Empty when there is none. Pure.
std::string first_criu_error(std::string_view log);

/// The options file of criu(8) that a container uses: annotation org.criu.config (empty: none), else
/// /etc/criu/ocx.conf, else /etc/criu/runc.conf, if there.
std::string criu_config_file(const std::map<std::string, std::string>& annotations);

}  // namespace ocx::runtime
