#include "runtime/hooks.hpp"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include <algorithm>
#include <limits>

#include "runtime/executable.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::size_t kept_output = 4096;
constexpr std::size_t pipe_capacity = 65536;

/// The last 4 KiB of one output of a hook.
class Output {
 public:
  Output(const char* name, sys::UniqueFd pipe) : name_(name), pipe_(std::move(pipe)) {}
  const char* name() const { return name_; }
  bool open() const { return static_cast<bool>(pipe_); }
  sys::FdRef fd() const { return pipe_; }

  sys::ReadOutcome take() {
    const sys::ReadOutcome outcome = sys::read_some(pipe_, text_, kept_output);
    if (text_.size() > kept_output) text_.erase(0, text_.size() - kept_output);
    if (outcome == sys::ReadOutcome::end) pipe_.reset();
    return outcome;
  }
  // What is there, but no more than a pipe holds: a daemon the hook left behind may go on writing for ever.
  void drain() {
    for (std::size_t taken = 0; open() && taken < pipe_capacity; taken += kept_output)
      if (take() != sys::ReadOutcome::data) return;
  }
  // One line, trimmed: the error is one.
  std::string text() const {
    std::string line = text_;
    std::replace_if(
        line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
    const std::size_t first = line.find_first_not_of(' ');
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(' ') - first + 1);
  }

 private:
  const char* name_;
  sys::UniqueFd pipe_;
  std::string text_;
};

/// One run of one hook. Nothing here waits for the hook longer than its time limit, whatever it does with its
/// pipes.
class HookRun {
 public:
  HookRun(const spec::Hook& hook, const HookContext& context, std::string_view state, const HookOutput& files)
      : hook_(hook), state_(state), input_(sys::make_pipe(sys::NonBlocking::write_end)) {
    const sys::UniqueFd out = keep(", stdout: ", files.output), err = keep(", stderr: ", files.error_output);
    // A state that fits is in the pipe before the hook begins: no waiting for it to read.
    feed();
    start(context, out ? out.ref() : files.output.ref(), err ? err.ref() : files.error_output.ref());
  }

  void finish() {
    const bool in_time = wait();
    if (!in_time) sys::kill_process_group(child_.pid, SIGKILL);
    const sys::ExitStatus status = sys::wait_for_child(child_.pidfd);
    for (Output& output : outputs_) output.drain();
    if (!in_time) throw failure("timed out after " + std::to_string(*hook_.timeout) + " s");
    if (status.signal != 0)
      throw failure("signal " + std::to_string(status.signal) + signal_name(status.signal));
    if (status.code != 0) throw failure("exit status " + std::to_string(status.code));
  }

 private:
  static std::string signal_name(int signal) {
    const char* words = ::sigabbrev_np(signal);
    return words == nullptr ? "" : std::string(" (SIG") + words + ")";
  }

  /// The hook's end of a pipe whose end is kept; nothing when a file takes it all.
  sys::UniqueFd keep(const char* name, sys::FdRef file) {
    if (file.raw() >= 0) return {};
    sys::Pipe pipe = sys::make_pipe(sys::NonBlocking::read_end);
    outputs_.emplace_back(name, std::move(pipe.read));
    return std::move(pipe.write);
  }

  void start(const HookContext& context, sys::FdRef out, sys::FdRef err) {
    sys::Program program{hook_.path, hook_.args, hook_.env.value_or(context.default_env), context.directory};
    if (program.argv.empty()) program.argv.push_back(hook_.path);
    child_ = sys::spawn(program, input_.read, out, err);
    if (child_.error_number == 0) return;
    if (!context.directory.empty() && !sys::fstatat(sys::FdRef::cwd(), context.directory))
      throw_errno("chdir " + sys::quote(context.directory), child_.error_number);
    throw Error::from_errno("exec " + sys::quote(hook_.path), child_.error_number)
        .hint(explain_exec_failure(hook_.path, child_.error_number));
  }

  // The read end stays ours too until the hook ends: a hook that closes its stdin costs no SIGPIPE and no
  // EPIPE.
  void feed() {
    const ssize_t written = sys::write_some(input_.write, state_);
    if (written >= 0) state_.remove_prefix(static_cast<std::size_t>(written));
    if (written < 0 || state_.empty()) input_.write.reset();
  }

  /// False when the time is over.
  bool wait() {
    constexpr std::int64_t longest = std::numeric_limits<int>::max() / 1000;
    const bool limited = hook_.timeout && *hook_.timeout < longest;
    const sys::Deadline deadline(limited ? static_cast<int>(*hook_.timeout * 1000) : 0);
    while (true) {
      const int left = limited ? deadline.remaining_ms() : -1;
      if (serve(left)) return true;
      if (limited && deadline.passed()) return false;
    }
  }

  /// Waits for one event and serves it; true when the hook has ended.
  bool serve(int timeout_ms) {
    std::vector<sys::PollEntry> entries{{child_.pidfd, POLLIN}};
    for (const Output& output : outputs_)
      if (output.open()) entries.push_back({output.fd(), POLLIN});
    if (input_.write) entries.push_back({input_.write, POLLOUT});
    sys::poll(entries, timeout_ms);
    if (entries[0].ready) return true;
    if (input_.write && entries.back().ready) feed();
    for (Output& output : outputs_)
      if (output.open()) output.take();
    return false;
  }

  Error failure(std::string what) const {
    for (const Output& output : outputs_) {
      const std::string text = output.text();
      if (!text.empty()) what += output.name() + text;
    }
    return Error(std::move(what));
  }

  const spec::Hook& hook_;
  std::string_view state_;  // what is still to be written
  sys::Pipe input_;
  sys::Spawned child_;
  std::vector<Output> outputs_;
};

void run_one(const std::vector<spec::Hook>& hooks, std::size_t index, const HookContext& context,
             const HookOutput& files) {
  try {
    const std::string state = spec::write_hook_state(context.state);
    HookRun(hooks[index], context, state, files).finish();
  } catch (Error& error) {
    error.in("error running " + std::string(context.kind) + " hook #" + std::to_string(index));
    error.at("/hooks/" + std::string(context.kind) + "/" + std::to_string(index));
    throw;
  }
}

}  // namespace

void run_hooks(const std::vector<spec::Hook>& hooks, const HookContext& context) {
  if (hooks.empty()) return;
  HookOutput opened;
  if (context.output == nullptr) opened = open_hook_output(context.state.annotations, context.state.bundle);
  const HookOutput& files = context.output != nullptr ? *context.output : opened;
  for (std::size_t i = 0; i < hooks.size(); ++i) run_one(hooks, i, context, files);
}

void run_hooks_ignoring_failures(const std::vector<spec::Hook>& hooks, const HookContext& context) {
  if (hooks.empty()) return;
  const HookOutput files = try_open_hook_output(context.state.annotations, context.state.bundle);
  for (std::size_t i = 0; i < hooks.size(); ++i) try {
      run_one(hooks, i, context, files);
    } catch (const Error& error) {
      sys::log_warning(std::string(error.what()) + ", ignoring");
    }
}

}  // namespace ocx::runtime
