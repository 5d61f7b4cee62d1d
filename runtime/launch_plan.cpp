// What a launch knows before anything of the container exists: the document, the plan, the first record.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/launch.hpp"
#include "runtime/messages.hpp"
#include "spec/parse.hpp"
#include "sys/clock.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
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

bool has_keyring(const Plan& plan) {
  return std::any_of(plan.build.begin(), plan.build.end(), [](const InitStep& entry) {
    return std::holds_alternative<step::SessionKeyring>(entry.action);
  });
}

}  // namespace

Plan make_plan(const Globals& globals, const CreateRequest& request, LaunchMode mode,
               const std::string& document) {
  std::string exec_document;
  const spec::Config config = load_config(document, &exec_document);
  check_terminal(config, request, mode);
  HostFacts host = gather_host_facts(config);
  if (host.notify_socket) host.notify_directory = globals.root + "/" + request.id + "/notify";
  std::vector<std::string> warnings;
  Plan out = plan(config, request, globals, host, warnings);
  out.exec_document = std::move(exec_document);
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
  record.own_mount_namespace = plan.namespaces.own_mounts();
  record.own_keyring = has_keyring(plan);
  record.has_process = plan.has_process;
  record.notify = plan.notify;
  record.poststart = plan.hooks.poststart;
  record.poststop = plan.hooks.poststop;
  const auto stop_signal = plan.annotations.find("org.opencontainers.image.stopSignal");
  if (stop_signal != plan.annotations.end()) record.stop_signal = stop_signal->second;
  return record;
}

std::string read_config(const CreateRequest& request) {
  const std::string path =
      request.config_file.starts_with('/') ? request.config_file : request.bundle + "/" + request.config_file;
  try {
    const std::string document = sys::read_file(sys::FdRef::cwd(), path);
    return request.overrides.any() ? spec::override_config(document, request.overrides) : document;
  } catch (Error& error) {
    if (error.error_number() == ENOENT && sys::fstatat(sys::FdRef::cwd(), request.bundle))
      throw Error(std::string(messages::no_config), ErrorKind::invalid_config)
          .in(sys::quote(request.bundle))
          .hint("make one with: ocx spec --bundle " + request.bundle);
    throw;
  }
}

spec::Config load_config(const std::string& document, std::string* exec_document) {
  spec::Warnings warnings;
  spec::Config config = spec::parse_config(document, warnings, exec_document);
  for (const std::string& warning : warnings) sys::log_warning(warning);
  return config;
}

}  // namespace ocx::runtime
