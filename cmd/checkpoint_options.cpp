#include "cmd/checkpoint_options.hpp"

#include <sched.h>

#include "cmd/create_options.hpp"
#include "cmd/globals.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cmd {
namespace {

using runtime::CriuCgroupMode;
using runtime::CriuNetworkLock;

constexpr std::pair<const char*, CriuCgroupMode> modes[] = {{"soft", CriuCgroupMode::soft},
                                                            {"full", CriuCgroupMode::full},
                                                            {"strict", CriuCgroupMode::strict},
                                                            {"ignore", CriuCgroupMode::ignore}};
constexpr std::pair<const char*, CriuNetworkLock> locks[] = {{"iptables", CriuNetworkLock::iptables},
                                                             {"nftables", CriuNetworkLock::nftables},
                                                             {"skip", CriuNetworkLock::skip}};

template <class Value, std::size_t N>
Value choose(const char* option, const std::string& text, const std::pair<const char*, Value> (&choices)[N]) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  throw Error(std::string("invalid value ") + sys::quote(text) + " for --" + option + ": use one of " + names,
              ErrorKind::usage);
}

/// "ADDRESS:PORT"; an IPv6 address has colons itself.
runtime::CriuPageServer page_server(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : sys::parse_uint(std::string_view(text).substr(colon + 1));
  if (colon == 0 || !port || *port == 0 || *port > 65535)
    throw Error("invalid value " + sys::quote(text) + " for --page-server: use ADDRESS:PORT",
                ErrorKind::usage);
  return {text.substr(0, colon), static_cast<int>(*port)};
}

std::uint64_t empty_namespaces(const Arguments& arguments) {
  std::uint64_t flags = 0;
  for (const std::string& name : arguments.values("empty-ns")) {
    if (name != "network")
      throw Error("invalid value " + sys::quote(name) + " for --empty-ns: only network can be left out",
                  ErrorKind::usage);
    flags |= CLONE_NEWNET;
  }
  return flags;
}

std::string image_path(const Arguments& arguments) {
  const std::string path = arguments.value_or("image-path", "");
  return absolute_path(path.empty() ? "checkpoint" : path);
}

std::string work_path(const Arguments& arguments) {
  return absolute_path(arguments.value_or("work-path", ""));
}

runtime::CriuSettings criu_settings(const Arguments& arguments) {
  runtime::CriuSettings settings;
  settings.tcp_established = arguments.flag("tcp-established");
  settings.tcp_skip_in_flight = arguments.flag("tcp-skip-in-flight");
  settings.tcp_close = arguments.flag("tcp-close");
  settings.link_remap = arguments.flag("link-remap");
  settings.ext_unix_sk = arguments.flag("ext-unix-sk");
  settings.shell_job = arguments.flag("shell-job");
  settings.file_locks = arguments.flag("file-locks");
  settings.lazy_pages = arguments.flag("lazy-pages");
  settings.auto_dedup = arguments.flag("auto-dedup");
  const std::string status_fd = arguments.value_or("status-fd", "-1");
  if (status_fd != "-1") settings.status_fd = static_cast<int>(count_value("status-fd", status_fd));
  if (const auto server = arguments.value("page-server"); server && !server->empty())
    settings.page_server = page_server(*server);
  if (const auto mode = arguments.value("manage-cgroups-mode"); mode && !mode->empty())
    settings.cgroup_mode = choose("manage-cgroups-mode", *mode, modes);
  if (const auto lock = arguments.value("network-lock"); lock && !lock->empty())
    settings.network_lock = choose("network-lock", *lock, locks);
  settings.empty_namespaces = empty_namespaces(arguments);
  return settings;
}

/// As criu wants it; empty: none.
std::string lsm_profile(const Arguments& arguments) {
  std::string text = arguments.value_or("lsm-profile", "");
  if (text.empty()) return text;
  const std::string type = text.substr(0, text.find(':'));
  if (type.size() + 1 < text.size() && (type == "apparmor" || type == "selinux")) return text;
  throw Error("invalid value " + sys::quote(text) + " for --lsm-profile: use apparmor:NAME or selinux:LABEL",
              ErrorKind::usage);
}

}  // namespace

runtime::CheckpointRequest checkpoint_request(const Arguments& arguments) {
  runtime::CheckpointRequest request;
  if (!arguments.positional().empty()) request.id = arguments.positional().front();
  request.image_path = image_path(arguments);
  request.work_path = work_path(arguments);
  request.parent_path = arguments.value_or("parent-path", "");
  request.leave_running = arguments.flag("leave-running");
  request.pre_dump = arguments.flag("pre-dump");
  request.settings = criu_settings(arguments);
  return request;
}

runtime::RestoreRequest restore_request(const Arguments& arguments) {
  runtime::RestoreRequest request;
  request.create = create_request(arguments);
  request.image_path = image_path(arguments);
  request.work_path = work_path(arguments);
  request.detach = arguments.flag("detach");
  request.no_subreaper = arguments.flag("no-subreaper");
  request.lsm_profile = lsm_profile(arguments);
  request.lsm_mount_context = arguments.value_or("lsm-mount-context", "");
  request.settings = criu_settings(arguments);
  return request;
}

}  // namespace ocx::cmd
