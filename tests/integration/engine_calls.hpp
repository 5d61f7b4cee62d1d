// How engines call a runtime: their words in their order, their environments, and what they leave open.
#pragma once

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "tests/harness/container.hpp"

namespace ocx::test {

using Words = std::vector<std::string>;

inline Words joined(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline Words systemd_flag() {
  return systemd_cgroups() ? Words{"--systemd-cgroup"} : Words{};
}

/// containerd's shim, by go-runc: each call dies with its caller (PDEATHSIG), has /dev/null as stdin, leaves
/// the shim's own listening socket open as 3, and comes from whichever directory the shim was started in.
struct Shim {
  Shim(const Container& container, Path log_file)
      : log(std::move(log_file)),
        globals(joined({"--root", container.root(), "--log", log, "--log-format", "json"}, systemd_flag())) {
    options.fds = {{0, null.get()}, {3, ttrpc.get()}};
    options.cwd = "/usr";
  }
  /// stdout and stderr in one, as the shim reads them.
  Result call(const Words& words) const {
    const Words argv = joined({"setpriv", "--pdeathsig", "KILL", runtime_path()}, joined(globals, words));
    return run(argv, options);
  }
  Path log;
  Words globals;
  RunOptions options;

 private:
  Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  Fd ttrpc{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

/// conmon: a session of its own, umask 022, its synchronisation in the environment.
inline Result conmon_call(const Words& globals, const Words& words, RunOptions options = {}) {
  options.add_env = {"_OCI_SYNCPIPE=3", "_OCI_STARTPIPE=4", "_OCI_ATTACHPIPE=5"};
  const Words argv = joined({"setsid", "setpriv", "--pdeathsig", "KILL", "sh", "-c", "umask 022; exec \"$@\"",
                             "sh", runtime_path()},
                            joined(globals, words));
  return run(argv, options);
}

/// podman's and CRI-O's own calls: next to no environment.
inline Result direct_call(const Words& globals, const Words& words, RunOptions options = {}) {
  options.env = Words{"XDG_RUNTIME_DIR="};
  return run(joined({runtime_path()}, joined(globals, words)), options);
}

/// Digits only, which Go's strconv.Atoi takes; -1 for any other text.
inline pid_t strict_pid(const std::string& text) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return digits ? std::stoi(text) : -1;
}

/// "2026-01-31T23:59:59.123456789Z": RFC 3339, with or without fraction, Z or an offset.
inline bool is_rfc3339(const std::string& time) {
  const std::string form = "dddd-dd-ddTdd:dd:dd";
  if (time.size() <= form.size()) return false;
  for (size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? std::isdigit(static_cast<unsigned char>(time[i])) == 0 : time[i] != form[i])
      return false;
  const std::string rest = time.substr(form.size());
  const size_t zone = rest.find_first_of("Z+-");
  if (zone == std::string::npos) return false;
  return zone == 0 || (rest[0] == '.' && rest.find_first_not_of("0123456789", 1) == zone);
}

}  // namespace ocx::test
