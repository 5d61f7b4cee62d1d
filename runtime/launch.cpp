#include "runtime/launch.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "runtime/adopt.hpp"
#include "runtime/clone_init.hpp"
#include "runtime/console.hpp"
#include "runtime/hooks.hpp"
#include "runtime/init_context.hpp"
#include "runtime/limit_cause.hpp"
#include "runtime/messages.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/pid_file.hpp"
#include "runtime/status.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/mount.hpp"
#include "sys/socket.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

void check_terminal(const spec::Config& config, const CreateRequest& request, LaunchMode mode) {
  const bool terminal = config.process && config.process->terminal;
  if (terminal && !mode.foreground && request.console_socket.empty())
    throw Error(messages::tty_needs_socket, ErrorKind::invalid_config)
        .at("/process/terminal")
        .hint("pass --console-socket, or run in the foreground");
  if (!request.console_socket.empty() && (!terminal || mode.foreground))
    throw Error(messages::socket_needs_tty, ErrorKind::invalid_config).at("/process/terminal");
}

Plan make_plan(const Globals& globals, const CreateRequest& request, LaunchMode mode,
               const std::string& document) {
  const spec::Config config = load_config(document);
  check_terminal(config, request, mode);
  HostFacts host = gather_host_facts(config.linux);
  if (host.notify_socket) host.notify_directory = globals.root + "/" + request.id + "/notify";
  std::vector<std::string> warnings;
  Plan out = plan(config, request, globals, host, warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  return out;
}

Record make_record(const Globals& globals, const Plan& plan) {
  Record record;
  record.id = plan.id;
  record.oci_version = plan.oci_version;
  record.bundle = plan.bundle;
  record.rootfs = plan.rootfs;
  record.created_at = sys::timestamp();
  record.owner_uid = ::geteuid();
  record.annotations = plan.annotations;
  record.cgroup_driver = globals.cgroup_driver;
  record.resources = plan.resources.value_or(spec::Resources{});
  record.own_pid_namespace = plan.namespaces.own_pids();
  record.has_process = plan.has_process;
  record.notify = plan.notify;
  record.poststart = plan.hooks.poststart;
  record.poststop = plan.hooks.poststop;
  const auto stop_signal = plan.annotations.find("org.opencontainers.image.stopSignal");
  if (stop_signal != plan.annotations.end()) record.stop_signal = stop_signal->second;
  return record;
}

std::map<std::string, std::string> namespace_paths(int pid) {
  std::map<std::string, std::string> paths;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    paths[name] = "/proc/" + std::to_string(pid) + "/ns/" + name;
  return paths;
}

std::string how_it_ended(const sys::ExitStatus& status) {
  if (status.signal != 0) return "container init was killed by signal " + std::to_string(status.signal);
  return "container init ended with status " + std::to_string(status.code);
}

bool joins_cgroup(const Namespaces& namespaces) {
  return std::any_of(namespaces.joins.begin(), namespaces.joins.end(),
                     [](const JoinNamespace& join) { return join.flag == CLONE_NEWCGROUP; });
}

}  // namespace

std::string read_config(const CreateRequest& request) {
  const std::string path =
      request.config_file.starts_with('/') ? request.config_file : request.bundle + "/" + request.config_file;
  try {
    return sys::read_file(sys::FdRef::cwd(), path);
  } catch (Error& error) {
    if (error.error_number() == ENOENT && sys::fstatat(sys::FdRef::cwd(), request.bundle))
      throw Error(std::string(messages::no_config), ErrorKind::invalid_config)
          .in(sys::quote(request.bundle))
          .hint("make one with: ocx spec --bundle " + request.bundle);
    throw;
  }
}

spec::Config load_config(const std::string& document) {
  spec::Warnings warnings;
  spec::Config config = spec::parse_config(document, warnings);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  return config;
}

spec::State hook_state(const Record& record, spec::Status status) {
  return to_state(record, status);
}

Launch::Launch(const Globals& globals, const CreateRequest& request, LaunchMode mode)
    : globals_(globals),
      request_(request),
      mode_(mode),
      document_(read_config(request)),
      proc_(sys::Procfs::open_host()),
      plan_(make_plan(globals, request, mode, document_)),
      directory_(StateDirectory::reserve(globals, request.id)) {
  if (const char* stage = std::getenv("OCX_TEST_FAIL_AT")) fail_at_ = stage;
  // Whatever a hook acquired for the container, its poststop counterpart gives back (runtime.md, lifecycle
  // steps 12 and 13).
  rollback_.arm([this] {
    if (!hooks_have_run_) return;
    HookContext context{"poststop", hook_state(record_, spec::Status::stopped), record_.bundle, {}};
    run_hooks_ignoring_failures(record_.poststop, context);
  });
  rollback_.arm([this] { directory_.erase(); });
  directory_.save_config(document_);
  if (plan_.notify) sys::mkdirat(directory_.fd(), "notify", 0755);
  record_ = make_record(globals, plan_);
  make_cgroup();
  clone_init();
  with_inits_words([this] {
    admit_init();
    serve_until(MessageType::rootfs_ready);
    cgroup_->apply(plan_.resources.value_or(spec::Resources{}));
    delegate_cgroup();
    fail_if_asked("resources");
    run_parent_hooks();
    serve_until(MessageType::ready);
    set_attributes();
    fail_if_asked("attributes");
  });
}

void Launch::with_inits_words(const std::function<void()>& talk) {
  try {
    talk();
  } catch (const PeerGone&) {
    rethrow_with_cause();
  } catch (const Error& error) {
    if (!init_has_failed_) hear_init_out(error);
    throw;
  }
}

void Launch::hear_init_out(const Error& ours) {
  try {
    while (sys::poll_readable({channel_.fd()}, 0) == 0) serve_until(MessageType::error);
  } catch (const PeerGone&) {
    const int error = ours.error_number();
    if (error == EPIPE || error == ECONNRESET || error == ESRCH) rethrow_with_cause();
  }
}

void Launch::make_cgroup() {
  cgroup_ = cgroups::make_manager({.driver = to_driver(globals_.cgroup_driver),
                                   .cgroups_path = plan_.cgroups_path,
                                   .id = plan_.id,
                                   .rootless = plan_.rootless,
                                   .annotations = plan_.annotations});
  record_.cgroup_unit = cgroup_->unit();
  // Saved before anything is made: whatever kills this process later, `delete --force` knows where to look.
  const auto note = [this] {
    record_.cgroup_paths = cgroup_->paths();
    record_.cgroups_made = cgroup_->made();
  };
  note();
  directory_.save(record_);
  rollback_.arm([this] { cgroup_->remove(); });
  cgroup_->create();
  note();  // what was planned and what could be had differ for an unprivileged caller
  fail_if_asked("cgroup");
}

void Launch::clone_init() {
  if (mode_.gate) gate_ = directory_.make_gate();
  auto [ours, theirs] = sys::socketpair_seqpacket();
  channel_ = Channel(std::move(ours));
  // Into a cgroup outside the caller's cgroup namespace nothing can be cloned (cgroup-v2.rst, "Delegation",
  // nsdelegate): ENOENT. While init is cloned, the caller is in the one that init joins.
  std::optional<sys::FdRef> target;
  if (!joins_cgroup(plan_.namespaces)) target = cgroup_->clone_target();
  const bool through_relay = plan_.namespaces.joins_user();
  attach_ = !cgroup_->paths().empty() && (!target || through_relay);

  InitArguments arguments{plan_, proc_, theirs, gate_, !attach_, fail_at_};
  init_ = runtime::clone_init(arguments, target);
  rollback_.arm([this] {
    if (!init_.pidfd) return;
    sys::pidfd_send_signal(init_.pidfd, SIGKILL);
    sys::wait_for_child(init_.pidfd);
  });
  theirs.reset();
  gate_.reset();

  record_.pid = init_.pid;
  if (const auto stat = sys::process_stat(init_.pid)) record_.start_time = stat->start_time;
  record_.namespace_paths = namespace_paths(init_.pid);
  directory_.save(record_);
  fail_if_asked("clone");
}

void Launch::admit_init() {
  if (!plan_.namespaces.uid_maps.empty()) {
    write_id_maps(proc_, init_.pid, plan_.namespaces, ::geteuid() == 0);
    channel_.send(MessageType::id_maps_written);
  }
  if (attach_) {
    cgroup_->attach(init_.pid);
    record_.cgroup_paths = cgroup_->paths();  // systemd has the last word on where its units are
    record_.cgroups_made = cgroup_->made();
    channel_.send(MessageType::cgroup_joined);
  }
}

void Launch::delegate_cgroup() {
  if (!plan_.cgroup_owner) return;
  try {
    cgroup_->delegate(plan_.cgroup_owner->uid);
  } catch (Error& error) {
    throw error.at(plan_.cgroup_owner->origin);
  }
}

void Launch::serve_until(MessageType wanted) {
  for (;;) {
    Message message;
    try {
      message = channel_.receive();
    } catch (const PeerGone&) {
      throw;
    } catch (Error& error) {
      init_has_failed_ = true;
      if (plan_.resources) blame_pids_limit(error, cgroup_->paths(), *plan_.resources);
      const bool exec = error.message().starts_with("exec: ");
      if (!exec) error.in(messages::init_failed);
      error.in(messages::start_failed);
      throw;
    }
    if (message.type == wanted) return;
    if (message.type == MessageType::request_tree)
      serve_tree(message.payload);
    else if (message.type == MessageType::console && plan_.terminal && message.fds.size() == 1 && !console_)
      console_ = std::move(message.fds[0]);
    else
      throw Error("handshake: message " + std::to_string(static_cast<unsigned>(message.type)) +
                  " is not due");
  }
}

void Launch::serve_tree(const std::string& request) {
  if (request.size() < 2) throw Error("handshake: malformed request for a tree");
  const unsigned recursive = request[0] == 'r' ? AT_RECURSIVE : 0;
  sys::FdResult tree;
  {
    // Cloned inside init's mount namespace, so that flags the kernel locked there stay locked.
    AdoptedNamespaces adopted(proc_);
    adopted.join_mounts_of(init_.pid);
    tree = sys::try_open_tree(sys::FdRef::cwd(), request.substr(1),
                              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  }
  if (!tree) throw_errno("open_tree " + sys::quote(request.substr(1)), tree.error_number);
  channel_.send(MessageType::tree, {}, {tree.fd});
}

void Launch::run_parent_hooks() {
  hooks_have_run_ = plan_.hooks.before_start();
  if (!plan_.parent_acts_between()) return;
  const spec::State state = hook_state(record_, spec::Status::creating);
  run_hooks(plan_.hooks.prestart, {"prestart", state, record_.bundle, {}});
  run_hooks(plan_.hooks.create_runtime, {"createRuntime", state, record_.bundle, {}});
  channel_.send(MessageType::hooks_done);
}

void Launch::set_attributes() {
  for (const ParentStep& step : plan_.attributes) {
    try {
      std::visit([this](const auto& action) { execute(init_.pid, proc_, action); }, step.action);
    } catch (Error& error) {
      error.at(step.origin);
      throw;
    }
  }
}

void Launch::commit() {
  if (console_ && !mode_.foreground) {
    send_console_master(request_.console_socket, console_);
    console_.reset();
  }
  if (!request_.pidfd_socket.empty()) send_pidfd(request_.pidfd_socket, init_.pidfd, "standard");
  record_.created = true;
  directory_.save(record_);
  fail_if_asked("save");
  // Engines take the pid file as "created": nothing may fail after it but the last word to init.
  if (!request_.pid_file.empty()) {
    write_pid_file(request_.pid_file, init_.pid);
    rollback_.arm([this] { sys::unlinkat(sys::FdRef::cwd(), request_.pid_file); });
  }
  if (mode_.gate) {
    channel_.send(MessageType::commit);
    rollback_.commit();
  }
}

void Launch::start() {
  with_inits_words([this] {
    channel_.send(MessageType::start);
    serve_until(MessageType::ready);
  });
  try {
    channel_.receive();
    throw Error("handshake: nothing was due after exec");
  } catch (const PeerGone&) {  // close-on-exec: the program runs
  } catch (Error& error) {
    error.in(messages::start_failed);
    throw;
  }
  rollback_.commit();
}

void Launch::fail_if_asked(const char* stage) const {
  if (fail_at_ == stage) throw Error(std::string("failure asked for at: ") + stage);
}

void Launch::rethrow_with_cause() {
  if (!sys::pidfd_wait(init_.pidfd, 5000)) throw Error("container init closed its channel and did not end");
  const sys::ExitStatus status = sys::wait_for_child(init_.pidfd);
  init_.pidfd.reset();  // reaped: nothing is left for the rollback to kill
  std::optional<Error> cause;
  if (status.signal == SIGKILL)
    cause = oom_kill_error(cgroup_->paths(), plan_.resources.value_or(spec::Resources{}));
  if (!cause) cause = Error(how_it_ended(status));
  throw std::move(cause->in(messages::init_failed).in(messages::start_failed));
}

}  // namespace ocx::runtime
