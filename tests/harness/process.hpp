// Runs a program with a deadline; nothing here waits by sleeping.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::test {

using Seconds = std::chrono::duration<double>;
/// Everything a test waits for comes well within this, also under sanitizers on a busy machine.
inline constexpr Seconds default_timeout{30};

/// An owned descriptor of the test process (always close-on-exec).
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { close(); }
  int get() const { return fd_; }
  int release();
  void close();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read_end, write_end;
};
Pipe make_pipe();

/// Reads up to the end of the file, or what is there now from a pipe that stays open (`until_eof` false).
/// Fails the test when the end does not come in time.
std::string read_to_end(int fd, Seconds timeout = default_timeout);
/// Reads until `text` has been seen; fails the test on end of file or timeout. Returns all that was read.
std::string read_until(int fd, std::string_view text, Seconds timeout = default_timeout);

struct RunOptions {
  std::string input;                            // the program's stdin; default: empty
  std::optional<std::vector<std::string>> env;  // the whole environment; default: the test's own
  std::vector<std::string> add_env;             // "K=V" on top of it
  std::string cwd;
  std::map<int, int> fds;  // number in the program -> descriptor here (0, 1, 2 replace stdio)
  Seconds timeout = default_timeout;
  bool new_session = false;  // setsid, and fd 0 becomes the controlling terminal
  bool subreaper = false;    // it, and not the test, adopts what its children leave running
};

/// What a program left. stdout and stderr are memfds, so that a payload which outlives the program never
/// blocks anybody: out() and err() read what has been written so far.
struct Result {
  int status = -1;  // exit code, or 128 + signal
  std::string out, err;
  std::shared_ptr<Fd> out_file, err_file;
  std::string command;
  std::string out_now() const;
  std::string err_now() const;
  std::string describe() const;
};

/// A program under way. The destructor kills and reaps it.
class Child {
 public:
  Child(const std::vector<std::string>& argv, const RunOptions& options);
  Child(Child&&) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();
  pid_t pid() const { return pid_; }
  /// Fails the test (after SIGKILL) when it has not ended in time.
  Result wait();
  bool ended() const;
  void signal(int number) const;

 private:
  std::vector<std::string> argv_;
  Seconds timeout_;
  pid_t pid_ = -1;
  Fd pidfd_;
  std::shared_ptr<Fd> out_, err_;
};

Result run(const std::vector<std::string>& argv, const RunOptions& options = {});

/// Waits on a pidfd until the process is gone (a zombie counts); false on timeout. A pid that does not exist
/// is gone.
bool wait_gone(pid_t pid, Seconds timeout = default_timeout);
/// The same, and reaps it if it is ours; its exit status (code or 128 + signal), or -1 when it was not our
/// child.
int wait_and_reap(pid_t pid, Seconds timeout = default_timeout);
bool process_exists(pid_t pid);  // zombies do not count
pid_t parent_of(pid_t pid);      // -1 when there is no such process
/// Makes the test process adopt orphans, so that what a runtime leaves behind becomes visible; called by
/// Container.
void become_subreaper();
/// Children of the test process that no Child object owns. Zombies among them are reaped, not returned.
std::vector<pid_t> adopted_children();

}  // namespace ocx::test

/// The command succeeded; else the test ends with its output.
#define REQUIRE_OK(result)                         \
  do {                                             \
    const ::ocx::test::Result& result_ = (result); \
    INFO(result_.describe());                      \
    REQUIRE(result_.status == 0);                  \
  } while (false)
