#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "cgroups/resctrl.hpp"
#include "runtime/console.hpp"
#include "runtime/cpu_affinity.hpp"
#include "runtime/exec_cgroup.hpp"
#include "runtime/exec_child.hpp"
#include "runtime/exec_plan.hpp"
#include "runtime/exec_process.hpp"
#include "runtime/handshake.hpp"
#include "runtime/limit_cause.hpp"
#include "runtime/messages.hpp"
#include "runtime/operations.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/pid_file.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/status.hpp"
#include "spec/exec_document.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/process.hpp"
#include "sys/rollback.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::runtime {
namespace {

/// The one process that is added. Not movable: rollback actions refer to it.
class Execution {
 public:
  /// Returns when the program has been executed. Errors leave nothing behind.
  Execution(const Globals& globals, const ExecRequest& request);
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  ~Execution() = default;

  sys::FdRef pidfd() const { return child_.pidfd; }
  sys::UniqueFd take_console() { return std::move(console_); }

 private:
  void check_status();
  void launch();
  spec::Process chosen_process() const;
  void check_terminal(const spec::Process& process) const;
  ExecFacts gather_facts(const spec::Process& process) const;
  sys::UniqueFd open_root() const;
  void clone();
  void clone_into(ExecArguments& arguments, ExecCgroup& cgroup);
  void serve_until_ready();
  void take(Message message);
  void serve_until_executed();
  [[noreturn]] void rethrow_with_cause();

  const ExecRequest& request_;
  StateDirectory directory_;
  Record record_;
  sys::UniqueFd init_;
  sys::Procfs proc_;
  spec::Config kept_;
  std::uint64_t namespaces_ = 0;
  Plan plan_;
  std::string cpus_;
  Channel channel_;
  sys::CloneResult child_;
  sys::UniqueFd console_;
  bool commit_due_ = false;
  sys::Rollback rollback_;  // last, so destroyed first
};

std::uint64_t listed_namespaces(const spec::Linux& linux) {
  std::uint64_t flags = 0;
  for (const spec::Namespace& ns : linux.namespaces) flags |= ns.flag;
  return flags;
}

/// 0 where it is mapped, else the first id that is.
std::uint32_t root_id(const std::string& map) {
  std::optional<std::uint32_t> first;
  for (const std::string& line : sys::split(map, '\n')) {
    char* end = nullptr;
    const unsigned long id = std::strtoul(line.c_str(), &end, 10);
    if (end == line.c_str()) continue;
    if (id == 0) return 0;
    if (!first) first = static_cast<std::uint32_t>(id);
  }
  return first.value_or(0);
}

/// The rules of the filter are not in the exec document, but in the whole configuration.
spec::Seccomp whole_profile(const StateDirectory& directory) {
  spec::Warnings given_by_create;
  std::optional<spec::Seccomp> profile =
      spec::parse_config(directory.load_config(), given_by_create).linux.seccomp;
  if (!profile) throw Error("config.json in the state directory has lost its /linux/seccomp");
  return std::move(*profile);
}

/// What the death of init makes of a call: a pid that is gone or, while the kernel ends its namespace, ENOMEM
/// from clone (pid_namespaces(7)).
bool is_by_death(const Error& error, const Record& record) {
  const int number = error.error_number();
  if (number != ENOMEM && number != ESRCH && number != ENOENT) return false;
  const auto stat = sys::process_stat(record.pid);
  return !stat || stat->exiting || stat->start_time != record.start_time;
}

Execution::Execution(const Globals& globals, const ExecRequest& request)
    : request_(request),
      directory_(StateDirectory::open(globals, request.id)),
      record_(directory_.load()),
      proc_(sys::Procfs::open_host()) {
  check_status();
  kept_ = spec::parse_exec_document(directory_.load_exec_document());
  try {
    launch();
  } catch (const Error& error) {
    if (is_by_death(error, record_)) throw Error(messages::exec_stopped, ErrorKind::wrong_state);
    throw;
  }
  serve_until_ready();
  serve_until_executed();
  if (!request_.pid_file.empty()) write_pid_file(request_.pid_file, child_.pid);
  rollback_.commit();
}

void Execution::launch() {
  const spec::Process process = chosen_process();
  check_terminal(process);
  const ExecFacts facts = gather_facts(process);
  std::vector<std::string> warnings;
  plan_ = plan_exec(record_, kept_, process, request_, facts, warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  namespaces_ = facts.namespaces;
  if (process.exec_cpu_affinity) {
    set_cpu_affinity(process.exec_cpu_affinity->initial, "initial");
    cpus_ = process.exec_cpu_affinity->final;
  }
  clone();
}

void Execution::check_status() {
  if (!record_.created)
    throw Error("container is being created", ErrorKind::wrong_state)
        .hint("when its create has died: ocx delete --force " + record_.id);
  std::optional<sys::UniqueFd> init = open_init(record_);
  if (!init) throw Error(messages::exec_stopped, ErrorKind::wrong_state);
  init_ = std::move(*init);
  if (!request_.ignore_paused && open_cgroup(record_)->frozen())
    throw Error(messages::exec_paused, ErrorKind::wrong_state);
}

spec::Process Execution::chosen_process() const {
  if (request_.process_file.empty()) {
    if (!kept_.process)
      throw Error("the configuration of the container has no process to take settings from")
          .hint("describe one with --process");
    spec::Process process = *kept_.process;
    process.terminal = false;
    return changed_process(std::move(process), request_.changes);
  }
  spec::Warnings warnings;
  try {
    spec::Process process =
        spec::parse_process(sys::read_file(sys::FdRef::cwd(), request_.process_file), warnings);
    for (const std::string& warning : warnings) sys::log_warning(warning);
    process.terminal = process.terminal || request_.changes.terminal;
    return process;
  } catch (Error& error) {
    throw error.in("--process " + sys::quote(request_.process_file));
  }
}

void Execution::check_terminal(const spec::Process& process) const {
  if (process.terminal && request_.detach && request_.console_socket.empty())
    throw Error(messages::tty_needs_socket, ErrorKind::invalid_config)
        .hint("pass --console-socket, or run in the foreground");
  if (!request_.console_socket.empty() && !(process.terminal && request_.detach))
    throw Error(messages::socket_needs_tty, ErrorKind::invalid_config);
}

ExecFacts Execution::gather_facts(const spec::Process& process) const {
  ExecFacts facts;
  facts.host.euid = ::geteuid();
  facts.host.egid = ::getegid();
  facts.host.last_capability = 63;  // which names the kernel lacks was create's warning
  facts.host.permitted_capabilities = sys::capget().permitted;
  facts.host.listen_fds = listen_fds();
  if (!process.selinux_label.empty() || !record_.annotations.empty())
    note_security(facts.host, record_.annotations);
  if (process.oom_score_adj) facts.host.in_user_namespace = sys::in_user_namespace();
  // Without rights on the host a namespace that is the caller's own can't even be joined in name.
  const std::uint64_t listed = facts.host.euid == 0 ? listed_namespaces(kept_.linux) : 0;
  facts.namespaces = namespaces_to_join({proc_, record_.pid, init_}, listed);
  if ((facts.namespaces & CLONE_NEWUSER) != 0) {
    const std::string process_directory = std::to_string(record_.pid);
    facts.root_uid = root_id(proc_.read(process_directory + "/uid_map"));
    facts.root_gid = root_id(proc_.read(process_directory + "/gid_map"));
  }
  if (process.terminal && !request_.detach) facts.terminal_size = ForegroundRelay::caller_size();
  return facts;
}

/// A magic link of the host's own /proc, which Procfs::open() would refuse to follow.
sys::UniqueFd Execution::open_root() const {
  if (record_.own_mount_namespace) return {};
  return sys::openat(proc_.fd(), std::to_string(record_.pid) + "/root", O_PATH | O_DIRECTORY);
}

void Execution::clone() {
  auto [ours, theirs] = sys::socketpair_seqpacket();
  channel_ = Channel(std::move(ours));
  ExecCgroup cgroup(proc_, record_.pid, record_.cgroup_paths, request_.cgroups, record_.annotations);
  const sys::UniqueFd root = open_root();
  ExecArguments arguments{.plan = plan_,
                          .target = {proc_, record_.pid, init_},
                          .namespaces = namespaces_,
                          .root = root,
                          .channel = theirs,
                          .seccomp = {},
                          .cpus = cpus_,
                          .fail_at = {}};
  if (plan_.seccomp)
    arguments.seccomp = stored_seccomp(
        directory_, [this] { return whole_profile(directory_); }, record_.annotations);
  if (const char* place = std::getenv("OCX_TEST_FAIL_AT")) arguments.fail_at = place;
  commit_due_ =
      !request_.console_socket.empty() || !request_.pidfd_socket.empty() || !record_.intel_rdt.empty();
  arguments.commit_due = commit_due_;
  if ((namespaces_ & CLONE_NEWPID) != 0) {
    arguments.relay = ::geteuid() != 0;
    if (!arguments.relay) {
      // The child is seen by the container's processes from its birth: none of them may attach to it or look
      // at what it has open (CVE-2016-9962).
      sys::prctl("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0);
      const int error_number = try_join_namespaces(arguments.target, CLONE_NEWPID);
      if (error_number != 0 && error_number != EPERM)
        throw_errno("join the container's pid namespace", error_number);
      arguments.relay = error_number == EPERM;
      if (!arguments.relay) arguments.namespaces &= ~static_cast<std::uint64_t>(CLONE_NEWPID);
    }
  }
  clone_into(arguments, cgroup);
  theirs.reset();
  try {
    if (arguments.cgroup_due) {
      cgroup.attach(child_.pid);
      channel_.send(MessageType::cgroup_joined);
    }
    cgroups::join_resctrl(record_.intel_rdt, child_.pid);  // it is no child of init, so it inherits nothing
    if (!request_.pidfd_socket.empty()) send_pidfd(request_.pidfd_socket, child_.pidfd, "setns");
    if (commit_due_ && request_.console_socket.empty()) channel_.send(MessageType::commit);
  } catch (const Error& error) {
    // A child that has failed meanwhile has the better words.
    if (error.error_number() == ESRCH || error.error_number() == EPIPE) serve_until_ready();
    throw;
  }
}

void Execution::clone_into(ExecArguments& arguments, ExecCgroup& cgroup) {
  std::optional<sys::FdRef> target;
  if (!arguments.relay) target = cgroup.clone_target();
  arguments.cgroup_due = !cgroup.empty() && !target;
  rollback_.arm([this] {
    if (!child_.pidfd) return;
    sys::pidfd_send_signal(child_.pidfd, SIGKILL);
    sys::wait_for_child(child_.pidfd);
  });
  try {
    child_ = clone_exec(arguments, target);
    return;
  } catch (Error& error) {
    if (target) blame_pids_limit(error, record_.cgroup_paths, record_.resources);
    // Linux 5.7 has CLONE_INTO_CGROUP; before, the process is moved. This can go with 5.4.
    const bool too_old = target && error.error_number() == EINVAL;
    if (!target || (!too_old && !cgroup.follow_init(error.error_number()))) throw;
    arguments.cgroup_due = too_old;
  }
  child_ = clone_exec(arguments, arguments.cgroup_due ? std::nullopt : cgroup.clone_target());
}

void Execution::serve_until_ready() {
  for (;;) {
    Message message;
    try {
      message = channel_.receive();
    } catch (const PeerGone&) {
      rethrow_with_cause();
    } catch (Error& error) {
      blame_pids_limit(error, record_.cgroup_paths, record_.resources);
      throw error.in(messages::start_failed);
    }
    if (message.type == MessageType::ready) return;
    take(std::move(message));
  }
}

void Execution::take(Message message) {
  if (message.type == MessageType::listener && kept_.linux.seccomp) {
    const sys::UniqueFd listener = take_listener(std::move(message), child_.pidfd);
    if (!listener) return;  // not loaded: the next message says why
    return send_listener(*kept_.linux.seccomp, child_.pid, to_state(record_, spec::Status::running),
                         listener);
  }
  const bool console = message.type == MessageType::console && plan_.terminal && !console_;
  if (!console || message.fds.size() != 1)
    throw Error("handshake: message " + std::to_string(static_cast<unsigned>(message.type)) + " is not due");
  console_ = std::move(message.fds[0]);
  if (!request_.console_socket.empty()) {
    send_console_master(request_.console_socket, console_);
    console_.reset();
    channel_.send(MessageType::commit);
  }
}

void Execution::serve_until_executed() {
  try {
    channel_.receive();
    throw Error("handshake: nothing was due after exec");
  } catch (const PeerGone&) {  // close-on-exec: the program runs
  } catch (Error& error) {
    throw error.in(messages::start_failed);
  }
}

void Execution::rethrow_with_cause() {
  const sys::ExitStatus status = sys::wait_for_child(child_.pidfd);
  child_.pidfd.reset();  // reaped: nothing is left for the rollback to kill
  std::optional<Error> cause;
  if (status.signal == SIGKILL) cause = oom_kill_error(record_.cgroup_paths, record_.resources);
  if (!cause)
    cause = Error("the process ended before its program began, " +
                  (status.signal != 0 ? "by signal " + std::to_string(status.signal)
                                      : "with status " + std::to_string(status.code)));
  throw std::move(cause->in(messages::start_failed));
}

}  // namespace

int exec(const Globals& globals, const ExecRequest& request) {
  check_id(request.id);
  sanitise_inherited(request.preserve_fds + listen_fds());
  if (request.detach) {
    Execution execution(globals, request);
    return 0;
  }
  ForegroundRelay relay;  // before the clone: a signal that comes meanwhile is for the program
  Execution execution(globals, request);
  return relay.wait(execution.pidfd(), execution.take_console()).shell_status();
}

}  // namespace ocx::runtime
