#include <sys/stat.h>

#include <algorithm>

#include "runtime/check_parts.hpp"
#include "runtime/plan_parts.hpp"
#include "spec/names.hpp"
#include "sys/access.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* apparmor_origin = "/process/apparmorProfile";

/// The text of the kernel's list: "name (enforce)", one a line.
bool is_loaded(std::string_view profiles, const std::string& name) {
  for (const std::string& line : sys::split(profiles, '\n'))
    if (line.starts_with(name + " (")) return true;
  return false;
}

void check_apparmor(const std::string& profile, Findings& out) {
  if (profile.empty()) return;
  const auto enabled = sys::read_file_if_any(sys::FdRef::cwd(), "/sys/module/apparmor/parameters/enabled");
  if (!enabled || !enabled->starts_with('Y'))
    return out.add(Severity::missing, apparmor_origin, "AppArmor is not enabled here",
                   "leave the profile out");
  const sys::FdResult list =
      sys::try_openat(sys::FdRef::cwd(), "/sys/kernel/security/apparmor/profiles", O_RDONLY | O_CLOEXEC);
  // Only root may read it.
  if (list && profile != "unconfined" && !is_loaded(sys::read_all(list.fd), profile))
    out.add(Severity::missing, apparmor_origin,
            "the AppArmor profile " + sys::quote(profile) + " is not loaded",
            "load it: apparmor_parser --replace FILE");
}

bool notifies(const spec::Seccomp& seccomp) {
  return std::any_of(seccomp.syscalls.begin(), seccomp.syscalls.end(), [](const spec::SeccompSyscalls& rule) {
    return rule.action == spec::SeccompAction::notify;
  });
}

void check_seccomp(const spec::Seccomp& seccomp, Findings& out) {
  if (!sys::fstatat(sys::FdRef::cwd(), "/proc/sys/kernel/seccomp/actions_avail"))
    out.add(Severity::missing, "/linux/seccomp", "the kernel has no seccomp filters");
  if (seccomp.listener_path.empty() || !notifies(seccomp)) return;
  const auto info = sys::fstatat(sys::FdRef::cwd(), seccomp.listener_path);
  if (!info || !S_ISSOCK(info->st_mode))
    out.add(Severity::missing, "/linux/seccomp/listenerPath",
            "no agent listens at " + sys::quote(seccomp.listener_path), "start it before the container");
}

}  // namespace

void check_security(const CheckInput& in, Findings& out) {
  if (in.config.process) check_apparmor(in.config.process->apparmor_profile, out);
  if (in.config.linux.seccomp) check_seccomp(*in.config.linux.seccomp, out);
}

void check_hooks(const CheckInput& in, Findings& out) {
  for (const auto& kind : spec::hook_kinds) {
    const std::vector<spec::Hook>& hooks = in.config.hooks.*kind.value;
    if (&hooks == &in.config.hooks.start_container) continue;  // those are programs of the container's
    for (std::size_t i = 0; i < hooks.size(); ++i)
      if (const sys::ExecuteAccess access = sys::execute_access(hooks[i].path); access.error_number != 0)
        out.add(Severity::error, pointer("/hooks/" + std::string(kind.name), i) + "/path",
                "the hook " + sys::quote(hooks[i].path) + ": " + errno_text(access.error_number),
                "a hook of this kind is a program of the host's");
  }
}

}  // namespace ocx::runtime
