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
#include "runtime/container_groups.hpp"
#include "runtime/hooks.hpp"
#include "runtime/id_maps.hpp"
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

bool joins_cgroup(const Namespaces& namespaces) {
  return std::any_of(namespaces.joins.begin(), namespaces.joins.end(),
                     [](const JoinNamespace& join) { return join.flag == CLONE_NEWCGROUP; });
}

}  // namespace

std::map<std::string, std::string> namespace_paths(int pid) {
  std::map<std::string, std::string> paths;
  for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    paths[name] = "/proc/" + std::to_string(pid) + "/ns/" + name;
  return paths;
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
  directory_.save_exec_document(plan_.exec_document);
  if (plan_.notify) sys::mkdirat(directory_.fd(), "notify", 0755);
  record_ = make_record(globals, plan_);
  const Making making{plan_, record_, directory_, rollback_};
  make_cgroup(making, globals_.cgroup_driver, cgroup_);
  fail_if_asked("cgroup");
  make_resctrl_groups(making, resctrl_);
  clone_init();
  with_inits_words([this] {
    offer_seccomp(false);
    admit_init();
    offer_seccomp(true);  // the compiler works while init mounts
    serve_until(MessageType::rootfs_ready);
    cgroup_->apply(plan_.resources.value_or(spec::Resources{}));
    delegate_cgroup();
    fail_if_asked("resources");
    move_net_devices();
    run_parent_hooks();
    serve_until(MessageType::ready);
    if (!attributes_set_) set_attributes();
    fail_if_asked("attributes");
  });
}

void Launch::clone_init() {
  if (mode_.gate) gate_ = directory_.make_gate();
  auto [ours, theirs] = sys::socketpair_seqpacket();
  channel_ = Channel(std::move(ours));
  // Into a cgroup outside the caller's cgroup namespace nothing can be cloned (cgroup-v2.rst, "Delegation",
  // nsdelegate): ENOENT. While init is cloned, the caller is in the one that init joins.
  std::optional<sys::FdRef> target;
  if (!joins_cgroup(plan_.namespaces)) target = cgroup_->clone_target();
  attach_ = !cgroup_->paths().empty() && (!target || plan_.namespaces.through_relay);

  HookOutput hook_output;
  if (!plan_.hooks.create_container.empty() || !plan_.hooks.start_container.empty())
    hook_output = open_hook_output(plan_.annotations, plan_.bundle);
  InitArguments arguments{plan_, proc_, theirs, gate_, !attach_, fail_at_, &hook_output};
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
  cgroups::join_resctrl(record_.intel_rdt, init_.pid);
  fail_if_asked("clone");
}

void Launch::admit_init() {
  if (!plan_.namespaces.uid_maps.empty()) {
    write_id_maps(proc_, init_.pid, plan_.namespaces);
    // As long as init is the caller's own; later, as another user, it is not.
    if (::geteuid() != 0) set_attributes();
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

void Launch::move_net_devices() {
  if (plan_.net_devices.empty()) return;
  net_devices_.emplace(proc_, init_.pid);
  net_devices_->move(plan_.net_devices, rollback_);
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
  attributes_set_ = true;
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
    with_inits_words([this] { channel_.send(MessageType::commit); });
    settle();
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
  settle();
}

void Launch::settle() {
  rollback_.commit();
  net_devices_.reset();  // a foreground `run` would keep the network namespace alive by it
}

void Launch::fail_if_asked(const char* stage) const {
  if (fail_at_ == stage) throw Error(std::string("failure asked for at: ") + stage);
}

}  // namespace ocx::runtime
