// Views of the host's cgroups for tests, and processes to put into cgroups of their own.
#pragma once

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cgroups/manager.hpp"
#include "sys/process.hpp"
#include "tests/harness/skip.hpp"

namespace ocx::test {

using cgroups::Hierarchies;

inline std::string unique_name() {
  static int count = 0;
  return "ocx-unit-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

inline std::string read_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

inline bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

/// A child that sleeps until it is killed. With `children` it forks that many more.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ != 0) return;
    while (true) ::pause();
  }
  ~Sleeper() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  int pid() const { return pid_; }
  /// True when it has been killed, within a second.
  bool ends() const {
    const sys::UniqueFd pidfd = sys::pidfd_open(pid_);
    return sys::pidfd_wait(pidfd, 1000);
  }
  bool is_running() const {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == 0;
  }

 private:
  pid_t pid_;
};

/// The existing hierarchies, with the runtime's own cgroup taken as the root: tests want the same places on
/// every machine.
inline Hierarchies host() {
  Hierarchies found = cgroups::detect_hierarchies();
  for (Hierarchies::Hierarchy& hierarchy : found.all) hierarchy.own_path = hierarchy.mount_root;
  return found;
}

/// The v2 driver passes controllers down from the root of the host's tree, too: as it was, when all tests are
/// over.
class SubtreeControl {
 public:
  explicit SubtreeControl(const std::string& mount_point)
      : file_(mount_point + "/cgroup.subtree_control"), before_(words()) {}
  ~SubtreeControl() {
    for (const std::string& controller : words())
      if (before_.count(controller) == 0) std::ofstream(file_) << "-" + controller;
  }
  SubtreeControl(const SubtreeControl&) = delete;
  SubtreeControl& operator=(const SubtreeControl&) = delete;

 private:
  std::set<std::string> words() const {
    std::istringstream text(read_text(file_));
    return {std::istream_iterator<std::string>(text), {}};
  }

  std::string file_;
  std::set<std::string> before_;
};

/// Only the v2 tree of a hybrid host, as if it were all there is.
inline Hierarchies only_v2() {
  Hierarchies view;
  for (const Hierarchies::Hierarchy& hierarchy : host().all)
    if (hierarchy.v2) view.all = {hierarchy};
  if (!view.all.empty()) static const SubtreeControl restored(view.all.front().mount_point);
  return view;
}

inline bool is_writable(const Hierarchies& hierarchies) {
  for (const Hierarchies::Hierarchy& hierarchy : hierarchies.all)
    if (::access(hierarchy.mount_point.c_str(), W_OK) != 0) return false;
  return !hierarchies.all.empty() && ::geteuid() == 0;
}

struct View {
  const char* name;
  Hierarchies hierarchies;
};

inline std::vector<View> views() {
  std::vector<View> result;
  if (is_writable(host()) && !host().pure_v2()) result.push_back({"v1", host()});
  if (is_writable(only_v2())) result.push_back({"v2", only_v2()});
  return result;
}

#define FOR_EACH_VIEW(view)                                     \
  const std::vector<View> all_views = views();                  \
  if (all_views.empty()) SKIP_TEST("no writable cgroups here"); \
  for (const View& view : all_views) DYNAMIC_SECTION(view.name)

inline std::string membership(int pid) {
  return read_text("/proc/" + std::to_string(pid) + "/cgroup");
}

/// Removes what a failed test may have left.
class Cleanup {
 public:
  explicit Cleanup(std::vector<std::string> directories) : directories_(std::move(directories)) {}
  ~Cleanup() {
    for (auto path = directories_.rbegin(); path != directories_.rend(); ++path) ::rmdir(path->c_str());
  }
  Cleanup(const Cleanup&) = delete;
  Cleanup& operator=(const Cleanup&) = delete;

 private:
  std::vector<std::string> directories_;
};

}  // namespace ocx::test
