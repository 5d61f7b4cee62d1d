// checkpoint: criu dumps the processes; what is the host's own, ocx names to it.
#include <sched.h>

#include "runtime/adopt.hpp"
#include "runtime/checkpoint_image.hpp"
#include "runtime/criu.hpp"
#include "runtime/external_mounts.hpp"
#include "runtime/inherited_stdio.hpp"
#include "runtime/operations.hpp"
#include "runtime/remove.hpp"
#include "runtime/status.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/procfs.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* log_name = "dump.log";

void check_status(const std::string& id, spec::Status status) {
  if (status == spec::Status::running || status == spec::Status::paused) return;
  Error error(std::string("container cannot be checkpointed in ") + spec::status_name(status) + " state",
              ErrorKind::wrong_state);
  if (status == spec::Status::created) error.hint("its program does not run yet: ocx start " + id);
  throw error;
}

/// The program that create has executed, from the document as it was then.
Plan plan_of(const Globals& globals, const StateDirectory& directory, const Record& record) {
  std::vector<std::string> warnings;  // create has told them
  const spec::Config config = spec::parse_config(directory.load_config(), warnings);
  CreateRequest request;
  request.id = record.id;
  request.bundle = record.bundle;
  HostFacts host = gather_host_facts(config);
  host.notify_socket = record.notify;
  return plan(config, request, globals, host, warnings);
}

/// cgroup-v1/freezer-subsystem.rst or cgroup-v2.rst, cgroup.freeze: all processes stop at once, those just
/// being made, too. Empty without a freezer.
std::string freezer_directory(const cgroups::Paths& paths) {
  for (const char* controller : {"freezer", "unified", ""})
    if (const auto found = paths.find(controller); found != paths.end()) return found->second;
  return {};
}

void add_external_namespaces(const sys::Procfs& proc, const Record& record, const Plan& plan,
                             CriuOptions& options) {
  for (const JoinNamespace& join : plan.namespaces.joins) {
    const std::string key = external_namespace_key(join.flag);
    if (key.empty()) continue;
    std::string type = namespace_file(join.flag);
    const auto info = sys::fstatat(proc.fd(), std::to_string(record.pid) + "/ns/" + type);
    if (info)
      options.external.push_back(
          type.append("[").append(std::to_string(info->st_ino)).append("]:").append(key));
  }
}

void check_parent(const CheckpointImage& image, const std::string& parent) {
  if (parent.empty()) return;
  if (parent.starts_with('/'))
    throw Error("--parent-path " + sys::quote(parent) + " has to be relative to the image directory",
                ErrorKind::usage);
  const auto info = sys::fstatat(image.images, parent);
  if (!info || !S_ISDIR(info->st_mode))
    throw Error("--parent-path " + sys::quote(parent) + " is no directory beside the image",
                ErrorKind::usage);
}

/// criu would open it only in the middle.
void check_status_fd(int number) {
  if (number < 0) return;
  try {
    sys::fstat(sys::FdRef(number));
  } catch (const Error&) {
    throw Error("--status-fd " + std::to_string(number) + " is no open descriptor", ErrorKind::usage);
  }
}

/// One dump of one container.
class Dump {
 public:
  Dump(const CheckpointRequest& request, const Record& record, const Plan& plan)
      : request_(request),
        record_(record),
        plan_(plan),
        image_(open_image(request.image_path, request.work_path, log_name, true)) {
    check_parent(image_, request.parent_path);
  }

  void run() {
    try {
      dump();
    } catch (const Error& error) {
      leave_log(image_, log_name, error.what());
      throw;
    }
  }

 private:
  void dump() {
    const sys::Procfs proc = sys::Procfs::open_host();
    const std::vector<std::string> stdio = describe_stdio(proc, record_.pid);
    const CriuOptions options = make_options(proc, stdio);
    CriuProcess criu({}, options);
    if (options.track_memory) check_memory_tracking(criu);
    if (!request_.pre_dump) save_stdio(image_.images, stdio);
    CriuRequest call;
    call.call = request_.pre_dump ? CriuCall::pre_dump : CriuCall::dump;
    call.options = options;
    criu.ask(call, {}, image_.log_path);
  }

  CriuOptions make_options(const sys::Procfs& proc, const std::vector<std::string>& stdio) {
    CriuOptions options = criu_options(image_, log_name, request_.settings, record_.annotations);
    options.pid = record_.pid;
    options.root = record_.rootfs;
    options.leave_running = request_.leave_running;
    options.parent_images = request_.parent_path;
    options.track_memory = request_.pre_dump || !request_.parent_path.empty();
    options.freeze_cgroup = freezer_directory(record_.cgroup_paths);
    options.external = dump_externals(proc, record_.pid, plan_);
    for (const std::string& name : stdio_externals(stdio)) options.external.push_back(name);
    add_external_namespaces(proc, record_, plan_, options);
    return options;
  }

  /// Without the kernel's soft-dirty bits nobody knows what has changed since the last dump.
  void check_memory_tracking(CriuProcess& criu) const {
    CriuRequest call;
    call.call = CriuCall::feature_check;
    call.keep_open = true;
    call.features = CriuFeatures{true, false};
    if (criu.ask(call, {}, image_.log_path).features.memory_tracking) return;
    throw Error("this kernel can't track changes of memory, which --pre-dump and --parent-path need",
                ErrorKind::unsupported)
        .hint("dump in one step, without them");
  }

  const CheckpointRequest& request_;
  const Record& record_;
  const Plan& plan_;
  CheckpointImage image_;
};

}  // namespace

void checkpoint(const Globals& globals, const CheckpointRequest& request) {
  StateDirectory directory = StateDirectory::open_locked(globals, request.id);
  const Record record = directory.load();
  check_status(request.id, live_status(directory, record));
  check_status_fd(request.settings.status_fd);
  const Plan plan = plan_of(globals, directory, record);
  check_dumpable(plan);
  Dump(request, record, plan).run();
  if (!request.leave_running && !request.pre_dump) destroy(directory, record);
}

}  // namespace ocx::runtime
