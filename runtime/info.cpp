#include "runtime/info.hpp"

#include <sys/syscall.h>

#include <algorithm>

#include "cgroups/manager.hpp"
#include "ocx/version.hpp"
#include "runtime/plan.hpp"
#include "runtime/state_store.hpp"
#include "spec/names.hpp"
#include "spec/version.hpp"
#include "sys/capture.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/landlock.hpp"
#include "sys/probe.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

/// The first line; empty when it can't be read.
std::string line_of(const std::string& path) {
  const sys::FdResult file = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_CLOEXEC);
  if (!file) return "";
  try {
    const std::string text = sys::read_all(file.fd);
    return text.substr(0, text.find('\n'));
  } catch (const Error&) {
    return "";  // some files of the kernel's open, but are not to be read
  }
}

std::string yes_no(bool value) {
  return value ? "yes" : "no";
}

/// PRETTY_NAME of os-release(5).
std::string distribution() {
  const std::string text = sys::read_file_if_any(sys::FdRef::cwd(), "/etc/os-release").value_or("");
  for (const std::string& line : sys::split(text, '\n')) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    std::string name = line.substr(line.find('=') + 1);
    std::erase(name, '"');
    return name;
  }
  return "";
}

InfoSection about_ocx(const Globals& globals) {
  InfoSection section{"ocx", {}};
  section.add("version", version);
  section.add("commit", commit);
  section.add("runtime-spec", spec::oci_version_max);
  section.add("compiler", __VERSION__);
#ifdef __OPTIMIZE__
  section.add("build", "optimised");
#else
  section.add("build", "debug");
#endif
  section.add("state root", globals.root);
  const auto root = sys::fstatat(sys::FdRef::cwd(), globals.root);
  Globals any_root = globals;
  any_root.explicit_root = false;
  section.add("containers", root ? std::to_string(container_ids(any_root).size()) : "0");
  return section;
}

InfoSection about_kernel() {
  InfoSection section{"kernel", {}};
  section.add("release", line_of("/proc/sys/kernel/osrelease"));
  section.add("build", line_of("/proc/sys/kernel/version"));
  section.add("distribution", distribution());
  section.add("init", sys::fstatat(sys::FdRef::cwd(), "/run/systemd/system") ? "systemd" : "not systemd");
  return section;
}

const char* driver_name(CgroupDriver driver) {
  switch (driver) {
    case CgroupDriver::cgroupfs:
      return "cgroupfs";
    case CgroupDriver::systemd:
      return "systemd";
    case CgroupDriver::disabled:
      break;
  }
  return "disabled";
}

InfoSection about_cgroups(const Globals& globals) {
  InfoSection section{"cgroups", {}};
  const cgroups::Hierarchies hierarchies = cgroups::detect_hierarchies();
  std::vector<std::string> v1;
  std::string v2, v2_place;
  for (const auto& hierarchy : hierarchies.all) {
    if (hierarchy.v2) {
      v2 = line_of(hierarchy.mount_point + "/cgroup.controllers");
      v2_place = hierarchy.mount_point;
    }
    v1.insert(v1.end(), hierarchy.controllers.begin(), hierarchy.controllers.end());
  }
  std::sort(v1.begin(), v1.end());
  const bool both = !v1.empty() && !v2_place.empty();
  section.add("version", both ? "1 and 2 (hybrid)" : !v1.empty() ? "1" : v2_place.empty() ? "none" : "2");
  section.add("manager", driver_name(globals.cgroup_driver));
  section.add("v1 controllers", sys::join(v1, " "));
  section.add("v2 controllers", v2);
  section.add("v2 mounted at", v2_place);
  return section;
}

InfoSection about_namespaces() {
  InfoSection section{"namespaces", {}};
  std::string kinds;
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"})
    if (sys::fstatat(sys::FdRef::cwd(), std::string("/proc/self/ns/") + kind))
      kinds += (kinds.empty() ? "" : " ") + std::string(kind);
  section.add("kinds", kinds);
  for (const char* name :
       {"user/max_user_namespaces", "user/max_mnt_namespaces", "user/max_net_namespaces",
        "kernel/unprivileged_userns_clone", "kernel/apparmor_restrict_unprivileged_userns"}) {
    std::string shown = name;
    std::replace(shown.begin(), shown.end(), '/', '.');
    section.add(std::move(shown), line_of(std::string("/proc/sys/") + name));
  }
  return section;
}

InfoSection about_security(const HostFacts& host) {
  InfoSection section{"security", {}};
  section.add("modules", line_of("/sys/kernel/security/lsm"));
  section.add("AppArmor", yes_no(line_of("/sys/module/apparmor/parameters/enabled") == "Y"));
  section.add("SELinux", yes_no(host.selinux));
  const int landlock = sys::try_landlock_abi();
  section.add("Landlock", landlock > 0 ? "version " + std::to_string(landlock) : "no");
  section.add("seccomp actions", line_of("/proc/sys/kernel/seccomp/actions_avail"));
  return section;
}

std::string ranges(const std::vector<IdRange>& list) {
  std::string text;
  for (const IdRange& range : list)
    text += (text.empty() ? "" : ", ") + std::to_string(range.count) + " from " +
            std::to_string(range.first) + " on";
  return text;
}

std::string capabilities_missing(const HostFacts& host) {
  std::vector<std::string> names;
  for (unsigned number = 0; number <= host.last_capability; ++number)
    if ((host.permitted_capabilities >> number & 1U) == 0) names.push_back(spec::capability_name(number));
  if (names.size() == host.last_capability + 1) return "all";
  return names.empty() ? "none" : sys::join(names, " ");
}

InfoSection about_caller(const HostFacts& host) {
  InfoSection section{"caller", {}};
  section.add("uid, gid", std::to_string(host.euid) + ", " + std::to_string(host.egid));
  section.add("in a user namespace", yes_no(host.in_user_namespace));
  section.add("capabilities missing", capabilities_missing(host));
  if (host.euid != 0) {
    section.add("subordinate uids", ranges(host.subordinate_uids));
    section.add("subordinate gids", ranges(host.subordinate_gids));
  }
  const sys::Limits files = sys::get_prlimit(0, RLIMIT_NOFILE);
  section.add("open files", std::to_string(files.soft) + ", at most " + std::to_string(files.hard));
  return section;
}

/// What ocx has another way for, or can't do without; each by trying.
InfoSection about_features() {
  struct Feature {
    const char* name;
    long call;
  };
  constexpr Feature features[] = {
      {"openat2", SYS_openat2},
      {"faccessat2", SYS_faccessat2},
      {"close_range", SYS_close_range},
      {"pidfd_open", SYS_pidfd_open},
      {"open_tree", SYS_open_tree},
      {"fsopen", SYS_fsopen},
      {"mount_setattr", SYS_mount_setattr},
  };
  InfoSection section{"features", {}};
  std::string there, missing;
  for (const Feature& feature : features) {
    std::string& list = sys::has_system_call(feature.call) ? there : missing;
    list.append(list.empty() ? "" : " ").append(feature.name);
  }
  section.add("system calls", there);
  section.add("system calls missing", missing);
  const std::string filesystems = sys::read_file(sys::FdRef::cwd(), "/proc/filesystems");
  section.add("overlay", yes_no(filesystems.find("\toverlay\n") != std::string::npos));
  section.add("resctrl", yes_no(sys::fstatat(sys::FdRef::cwd(), "/sys/fs/resctrl/schemata").has_value()));
  std::string programs;
  for (const char* program : {"newuidmap", "newgidmap", "criu", "ps"})
    if (!sys::find_program(program).empty()) programs += (programs.empty() ? "" : " ") + std::string(program);
  section.add("programs", programs);
  return section;
}

InfoSection about_sysctls() {
  InfoSection section{"sysctl", {}};
  for (const char* name :
       {"kernel/pid_max", "kernel/threads-max", "kernel/keys/maxkeys", "kernel/yama/ptrace_scope",
        "kernel/unprivileged_bpf_disabled", "fs/nr_open", "vm/overcommit_memory", "net/ipv4/ip_forward"}) {
    std::string shown = name;
    std::replace(shown.begin(), shown.end(), '/', '.');
    section.add(std::move(shown), line_of(std::string("/proc/sys/") + name));
  }
  return section;
}

}  // namespace

std::vector<InfoSection> info(const Globals& globals) {
  const HostFacts host = gather_host_facts(spec::Config());
  return {about_ocx(globals),   about_kernel(),     about_cgroups(globals), about_namespaces(),
          about_security(host), about_caller(host), about_features(),       about_sysctls()};
}

}  // namespace ocx::runtime
