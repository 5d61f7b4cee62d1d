#include "runtime/restoration.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cgroups/leaf.hpp"
#include "runtime/adopt.hpp"
#include "runtime/console.hpp"
#include "runtime/container_groups.hpp"
#include "runtime/criu.hpp"
#include "runtime/external_mounts.hpp"
#include "runtime/hooks.hpp"
#include "runtime/inherited_stdio.hpp"
#include "runtime/launch.hpp"
#include "runtime/pid_file.hpp"
#include "runtime/plan_parts.hpp"
#include "runtime/record.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/status.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/mount.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* log_name = "restore.log";
constexpr const char* notify_directory = "notify";

Plan plan_restore(const Globals& globals, const RestoreRequest& request, const std::string& document) {
  Plan plan = make_plan(globals, request.create, {.gate = false, .foreground = !request.detach}, document);
  check_dumpable(plan);
  return plan;
}

/// A process that does nothing, and ends with us.
sys::CloneResult clone_stand_in() {
  sys::CloneResult child = sys::clone3(0);
  if (child.pid != 0) return child;
  sys::try_prctl(PR_SET_PDEATHSIG, SIGKILL);
  sys::close_range(0, ~0U, false);
  for (;;) ::pause();
}

/// What criu(8) calls the types of --join-ns.
const char* joined_type(std::uint64_t flag) {
  return flag == CLONE_NEWIPC || flag == CLONE_NEWUTS || flag == CLONE_NEWUSER || flag == CLONE_NEWTIME
             ? namespace_file(flag)
             : nullptr;
}

/// The user of the program, as the host knows him.
uid_t owner_of(const Plan& plan) {
  uid_t uid = 0;
  for (const InitStep& step : plan.enter)
    if (const auto* user = std::get_if<step::SetUser>(&step.action)) uid = user->uid;
  for (const spec::IdMapping& map : plan.namespaces.uid_maps)
    if (uid >= map.container_id && uid - map.container_id < map.size)
      return map.host_id + (uid - map.container_id);
  return uid;
}

std::string keyring_of(const Plan& plan) {
  for (const InitStep& step : plan.build)
    if (const auto* keyring = std::get_if<step::SessionKeyring>(&step.action)) return keyring->name;
  return {};
}

/// The hierarchy's own name of a directory in it.
std::string path_in_hierarchy(const cgroups::Hierarchies::Hierarchy& hierarchy,
                              const std::string& directory) {
  const std::string root = hierarchy.mount_root == "/" ? "" : hierarchy.mount_root;
  const std::string path = root + directory.substr(std::min(directory.size(), hierarchy.mount_point.size()));
  return path.empty() ? "/" : path;
}

}  // namespace

Restoration::Restoration(const Globals& globals, const RestoreRequest& request)
    : globals_(globals),
      request_(request),
      document_(read_config(request.create)),
      proc_(sys::Procfs::open_host()),
      plan_(plan_restore(globals, request, document_)),
      image_(open_image(request.image_path, request.work_path, log_name, false)),
      directory_(StateDirectory::reserve(globals, request.create.id)) {
  rollback_.arm([this] {
    if (!hooks_have_run_) return;
    HookContext context{"poststop", hook_state(record_, spec::Status::stopped), record_.bundle, {}};
    run_hooks_ignoring_failures(record_.poststop, context);
  });
  rollback_.arm([this] { directory_.erase(); });
  directory_.save_config(document_);
  directory_.save_exec_document(plan_.exec_document);
  sys::mkdirat(directory_.fd(), notify_directory, 0755);
  if (plan_.seccomp && !cached_seccomp(directory_, *plan_.seccomp, plan_.annotations))
    compile_seccomp(directory_, *plan_.seccomp, plan_.annotations);
  record_ = make_record(globals, plan_);
  record_.notify = true;
  const Making making{plan_, record_, directory_, rollback_};
  make_cgroup(making, globals_.cgroup_driver, cgroup_);
  make_resctrl_groups(making, resctrl_);
  hold_scope();
  make_mount_points(plan_);
  rollback_.arm([this] {
    if (!init_) return;
    sys::pidfd_send_signal(init_, SIGKILL);
    sys::wait_for_child(init_);
  });
  try {
    call_criu();
  } catch (const Error& error) {
    leave_log(image_, log_name, error.what());
    throw;
  }
}

void Restoration::hold_scope() {
  if (globals_.cgroup_driver == CgroupDriver::systemd) {
    stand_in_ = clone_stand_in();
    cgroup_->attach(stand_in_.pid);
  }
  record_.cgroup_paths = cgroup_->paths();
  record_.cgroups_made = cgroup_->made();
}

int Restoration::pass(sys::FdRef fd) {
  passed_.push_back(fd);
  return CriuProcess::first_passed + static_cast<int>(passed_.size()) - 1;
}

void Restoration::add_namespaces(CriuOptions& options) {
  for (const JoinNamespace& join : plan_.namespaces.joins) {
    const std::string key = external_namespace_key(join.flag);
    if (!key.empty()) {
      namespaces_.push_back(open_namespace(join));
      options.inherited.emplace_back(key, pass(namespaces_.back()));
    } else if (const char* type = joined_type(join.flag)) {
      options.join_namespaces.emplace_back(type, join.path);
    }
  }
}

void Restoration::add_cgroup_roots(CriuOptions& options) const {
  if (request_.settings.cgroup_mode == CriuCgroupMode::ignore) return;
  const cgroups::Hierarchies hierarchies = cgroups::detect_hierarchies();
  const cgroups::Leaves leaves = cgroups::leaves_of(plan_.annotations, hierarchies.pure_v2());
  for (const auto& hierarchy : hierarchies.all) {
    const std::string controller = hierarchy.v2 ? "" : hierarchy.controllers.front();
    const auto directory = record_.cgroup_paths.find(cgroups::path_key(hierarchies, hierarchy));
    if (directory == record_.cgroup_paths.end()) continue;
    const std::string place =
        hierarchies.pure_v2() ? cgroups::place_of_init(directory->second, leaves) : directory->second;
    options.cgroup_roots.emplace_back(controller, path_in_hierarchy(hierarchy, place));
  }
}

CriuOptions Restoration::make_options() {
  CriuOptions options = criu_options(image_, log_name, request_.settings, plan_.annotations);
  options.root = plan_.rootfs;
  options.restore_sibling = true;
  options.lsm_profile = request_.lsm_profile;
  options.lsm_mount_context = request_.lsm_mount_context;
  give_stdio(owner_of(plan_));
  for (const sys::FdRef fd : {sys::standard_input, sys::standard_output, sys::standard_error}) pass(fd);
  options.inherited = inherited_stdio(load_stdio(image_.images), CriuProcess::first_passed);
  options.external = restore_externals(proc_, plan_, record_.cgroup_paths);
  if (!plan_.notify)
    options.external.push_back("mnt[" + std::string(notify_target) + "]:" + globals_.root + "/" + plan_.id +
                               "/" + notify_directory);
  add_namespaces(options);
  add_cgroup_roots(options);
  return options;
}

std::unique_ptr<CriuProcess> Restoration::start_criu(CriuOptions& options) {
  AdoptedNamespaces mounts(proc_);
  mounts.make_mounts();
  const int error_number = sys::try_mount(plan_.rootfs, plan_.rootfs, "", MS_BIND | MS_REC, "");
  if (error_number != 0) throw_errno("bind " + sys::quote(plan_.rootfs) + " onto itself", error_number);
  // It mounts in its working directory, which therefore has to be of its own namespace.
  image_ = open_image(request_.image_path, request_.work_path, log_name, false);
  options = make_options();
  const CriuSetup setup{passed_, keyring_of(plan_), true, !request_.settings.shell_job};
  return std::make_unique<CriuProcess>(setup, options);
}

void Restoration::call_criu() {
  CriuRequest call;
  call.call = CriuCall::restore;
  const std::unique_ptr<CriuProcess> criu = start_criu(call.options.emplace());
  const auto listener = [this](const std::string& script, int pid, std::vector<sys::UniqueFd> fds) {
    hear(script, pid, std::move(fds));
  };
  const CriuResponse answer = criu->ask(call, listener, image_.log_path);
  if (!init_ || answer.restored_pid != record_.pid)
    throw Error("criu has restored another process than it announced");
  image_ = {};  // a foreground restore would keep the image's file system busy by it
  namespaces_.clear();
}

/// criu(8), "action scripts".
void Restoration::hear(const std::string& script, int pid, std::vector<sys::UniqueFd> fds) {
  if (script == "setup-namespaces") namespaces_made(pid);
  if (script == "post-restore") processes_made();
  if (script == "orphan-pts-master" && fds.size() == 1) console_ = std::move(fds.front());
}

/// Init exists, in its namespaces, and waits: the moment of the hooks that create runs before the program.
void Restoration::namespaces_made(int pid) {
  init_ = sys::pidfd_open(pid);
  record_.pid = pid;
  if (const auto stat = sys::process_stat(pid)) record_.start_time = stat->start_time;
  record_.namespace_paths = namespace_paths(pid);
  directory_.save(record_);
  if (request_.settings.cgroup_mode == CriuCgroupMode::ignore) cgroup_->attach(pid);
  cgroups::join_resctrl(record_.intel_rdt, pid);
  hooks_have_run_ = plan_.hooks.before_start();
  const spec::State state = hook_state(record_, spec::Status::creating);
  run_hooks(plan_.hooks.prestart, {"prestart", state, record_.bundle, {}});
  run_hooks(plan_.hooks.create_runtime, {"createRuntime", state, record_.bundle, {}});
}

/// All of them, stopped still. Limits come now: restoring may need more than running.
void Restoration::processes_made() {
  cgroup_->apply(plan_.resources.value_or(spec::Resources{}));
  if (plan_.cgroup_owner) cgroup_->delegate(plan_.cgroup_owner->uid);
  if (stand_in_.pidfd) {
    sys::pidfd_send_signal(stand_in_.pidfd, SIGKILL);
    sys::wait_for_child(stand_in_.pidfd);
    stand_in_.pidfd.reset();
  }
  record_.created = true;
  directory_.save(record_);
}

void Restoration::commit() {
  if (console_ && request_.detach) {
    send_console_master(request_.create.console_socket, console_);
    console_.reset();
  }
  if (!request_.create.pidfd_socket.empty()) send_pidfd(request_.create.pidfd_socket, init_, "standard");
  if (!request_.create.pid_file.empty()) write_pid_file(request_.create.pid_file, record_.pid);
  rollback_.commit();
}

}  // namespace ocx::runtime
