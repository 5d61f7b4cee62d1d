#include "tests/harness/process.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

namespace ocx::test {
namespace {

std::set<pid_t>& owned_children() {
  static std::set<pid_t> pids;
  return pids;
}

int open_pidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

int milliseconds(Seconds left) {
  return static_cast<int>(std::max(0.0, left.count() * 1000));
}

class Deadline {
 public:
  explicit Deadline(Seconds timeout) : end_(std::chrono::steady_clock::now() + timeout) {}
  int left() const { return milliseconds(end_ - std::chrono::steady_clock::now()); }

 private:
  std::chrono::time_point<std::chrono::steady_clock, Seconds> end_;
};

bool poll_in(int fd, const Deadline& deadline) {
  pollfd entry{fd, POLLIN, 0};
  int ready;
  do ready = poll(&entry, 1, deadline.left());
  while (ready < 0 && errno == EINTR);
  return ready > 0;
}

std::string read_file_from_start(int fd) {
  std::string text;
  char buffer[65536];
  for (off_t offset = 0;;) {
    ssize_t count = pread(fd, buffer, sizeof buffer, offset);
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    offset += count;
  }
}

int exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  for (std::string& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> environment(const RunOptions& options) {
  std::vector<std::string> env;
  if (options.env) {
    env = *options.env;
  } else {
    for (char** entry = environ; *entry != nullptr; ++entry) env.emplace_back(*entry);
  }
  env.insert(env.end(), options.add_env.begin(), options.add_env.end());
  return env;
}

// In the child: places every wanted descriptor, first far away so that no number overwrites one still needed.
void place_fds(const std::map<int, int>& fds) {
  std::map<int, int> parked;
  for (auto [number, source] : fds) parked[number] = fcntl(source, F_DUPFD_CLOEXEC, 500);
  for (auto [number, source] : parked) {
    if (source < 0 || dup2(source, number) < 0) _exit(125);
  }
}

[[noreturn]] void exec_child(const RunOptions& options, char** argv, char** env,
                             const std::map<int, int>& fds) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // What the test process itself inherited must not look like a leak of the runtime.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  place_fds(fds);
  if (options.new_session && (setsid() < 0 || ioctl(0, TIOCSCTTY, 0) < 0)) _exit(124);
  if (options.subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) _exit(123);
  if (!options.cwd.empty() && chdir(options.cwd.c_str()) != 0) _exit(126);
  execvpe(argv[0], argv, env);
  dprintf(2, "exec %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}
int Fd::release() {
  return std::exchange(fd_, -1);
}
void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Pipe make_pipe() {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string read_to_end(int fd, Seconds timeout) {
  Deadline deadline(timeout);
  std::string text;
  char buffer[4096];
  for (;;) {
    if (!poll_in(fd, deadline)) FAIL("no end of file within " << timeout.count() << " s after: " << text);
    ssize_t count = read(fd, buffer, sizeof buffer);
    // A pty master answers EIO when the last slave is closed.
    if (count <= 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

std::string read_until(int fd, std::string_view wanted, Seconds timeout) {
  Deadline deadline(timeout);
  std::string text;
  // Byte by byte: what follows is the next caller's.
  for (char byte; !text.ends_with(wanted); text += byte) {
    if (!poll_in(fd, deadline))
      FAIL("\"" << wanted << "\" not seen within " << timeout.count() << " s, but: " << text);
    if (read(fd, &byte, 1) <= 0) FAIL("end of file instead of \"" << wanted << "\" after: " << text);
  }
  return text;
}

std::string Result::out_now() const {
  return read_file_from_start(out_file->get());
}
std::string Result::err_now() const {
  return read_file_from_start(err_file->get());
}
std::string Result::describe() const {
  return command + "\n-> " + std::to_string(status) + "\nstdout: " + out + "\nstderr: " + err;
}

Child::Child(const std::vector<std::string>& argv, const RunOptions& options)
    : argv_(argv), timeout_(options.timeout) {
  out_ = std::make_shared<Fd>(memfd_create("stdout", MFD_CLOEXEC));
  err_ = std::make_shared<Fd>(memfd_create("stderr", MFD_CLOEXEC));
  // Several processes write at the same time, and a memfd's offset is not locked: lines would be overwritten.
  for (const auto& file : {out_, err_}) fcntl(file->get(), F_SETFL, O_APPEND);
  Fd in(memfd_create("stdin", MFD_CLOEXEC));
  REQUIRE(write(in.get(), options.input.data(), options.input.size()) ==
          static_cast<ssize_t>(options.input.size()));
  lseek(in.get(), 0, SEEK_SET);
  std::map<int, int> fds{{0, in.get()}, {1, out_->get()}, {2, err_->get()}};
  for (auto [number, source] : options.fds) fds[number] = source;
  std::vector<std::string> words = argv, env = environment(options);
  std::vector<char*> argv_pointers = pointers(words), env_pointers = pointers(env);
  pid_ = fork();
  if (pid_ == 0) exec_child(options, argv_pointers.data(), env_pointers.data(), fds);
  REQUIRE(pid_ > 0);
  owned_children().insert(pid_);
  pidfd_ = Fd(open_pidfd(pid_));
}

Child::Child(Child&& other) noexcept
    : argv_(std::move(other.argv_)),
      timeout_(other.timeout_),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      out_(std::move(other.out_)),
      err_(std::move(other.err_)) {}

Child::~Child() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  owned_children().erase(pid_);
}

bool Child::ended() const {
  pollfd entry{pidfd_.get(), POLLIN, 0};
  return poll(&entry, 1, 0) > 0;
}

void Child::signal(int number) const {
  REQUIRE(::kill(pid_, number) == 0);
}

Result Child::wait() {
  REQUIRE(pid_ > 0);
  bool in_time = poll_in(pidfd_.get(), Deadline(timeout_));
  if (!in_time) ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  owned_children().erase(pid_);
  pid_ = -1;
  Result result;
  result.status = exit_code(status);
  result.out_file = out_;
  result.err_file = err_;
  result.out = result.out_now();
  result.err = result.err_now();
  for (const std::string& word : argv_) result.command += word + " ";
  if (!in_time) FAIL("still running after " << timeout_.count() << " s: " << result.describe());
  return result;
}

Result run(const std::vector<std::string>& argv, const RunOptions& options) {
  return Child(argv, options).wait();
}

bool wait_gone(pid_t pid, Seconds timeout) {
  Fd pidfd(open_pidfd(pid));
  return !pidfd || poll_in(pidfd.get(), Deadline(timeout));
}

int wait_and_reap(pid_t pid, Seconds timeout) {
  INFO("process " << pid);
  REQUIRE(wait_gone(pid, timeout));
  int status = 0;
  // Not WNOHANG: while a tracer has not taken notice of the end, the parent can't (ptrace(2)).
  if (waitpid(pid, &status, 0) != pid) return -1;
  return exit_code(status);
}

bool process_exists(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return false;
  size_t end = stat.rfind(')');
  return end != std::string::npos && end + 2 < stat.size() && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

pid_t parent_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return -1;
  size_t end = stat.rfind(')');
  return end == std::string::npos || end + 4 >= stat.size() ? -1 : std::atoi(stat.c_str() + end + 4);
}

void become_subreaper() {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

std::vector<pid_t> adopted_children() {
  std::vector<pid_t> alive;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || parent_of(pid) != getpid() || owned_children().count(pid) != 0) continue;
    if (waitpid(pid, nullptr, WNOHANG) == 0) alive.push_back(pid);
  }
  return alive;
}

}  // namespace ocx::test
