#include "tests/bench/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace ocx::bench {
namespace {

using Clock = std::chrono::steady_clock;

std::string error_file() {
  return "/tmp/ocx-bench-error." + std::to_string(getpid());
}

pid_t spawn(const Argv& argv) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string errors = error_file();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw CommandFailed(argv[0] + ": not found");
  return pid;
}

/// Exit status, 128 + signal.
int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void expect_status(const Argv& argv, int status, int expected) {
  std::ifstream file(error_file());
  std::string line, last;
  while (std::getline(file, line)) last = line;
  unlink(error_file().c_str());
  if (status != expected)
    throw CommandFailed(argv[0] + ": exit status " + std::to_string(status) + ": " + last);
}

pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  pid_t parent = -1;
  char state = 0;
  std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  fields >> state >> parent;
  return parent;
}

/// Until the process left behind has become ours, which says that the command has ended; or strace has.
void wait_until_orphaned(const std::string& pid_file, pid_t strace) {
  siginfo_t ended{};
  while (waitid(P_PID, static_cast<id_t>(strace), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         ended.si_pid == 0) {
    const pid_t left = read_pid(pid_file);
    if (left > 0 && parent_of(left) == getpid()) return;
    usleep(1000);  // there is no event for it under a tracer
  }
}

double total_of(const std::string& summary) {
  std::ifstream file(summary);
  std::string line;
  while (std::getline(file, line)) {
    unsigned long calls = 0;
    std::string name;
    if (std::istringstream(line) >> calls >> name && name == "total") return static_cast<double>(calls);
  }
  throw CommandFailed("strace printed no total");
}

}  // namespace

pid_t read_pid(const std::string& pid_file) {
  pid_t pid = -1;
  std::ifstream(pid_file) >> pid;
  return pid;
}

double time_command(const Argv& argv, int expected) {
  const auto begin = Clock::now();
  const int status = wait_for(spawn(argv));
  const std::chrono::duration<double, std::milli> elapsed = Clock::now() - begin;
  expect_status(argv, status, expected);
  return elapsed.count();
}

double count_system_calls(const Argv& argv, const std::string& pid_file, int expected) {
  const std::string summary = "/tmp/ocx-bench-strace." + std::to_string(getpid());
  // -I 2: a signal ends strace although it writes to a file.
  Argv traced = {"strace", "-I", "2", "-f", "-c", "-U", "calls,name", "-o", summary, "--"};
  traced.insert(traced.end(), argv.begin(), argv.end());
  const pid_t strace = spawn(traced);
  if (!pid_file.empty()) {
    wait_until_orphaned(pid_file, strace);
    kill(strace, SIGTERM);  // it detaches, prints its summary and ends by the signal
  }
  const int status = wait_for(strace);
  expect_status(argv, status == 128 + SIGTERM ? expected : status, expected);
  const double total = total_of(summary);
  unlink(summary.c_str());
  return total;
}

}  // namespace ocx::bench
