#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "cgroups/manager.hpp"
#include "cgroups/settings.hpp"
#include "runtime/check_parts.hpp"
#include "runtime/plan_parts.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Hierarchy = cgroups::Hierarchies::Hierarchy;

/// What this host offers of cgroups.
class Controllers {
 public:
  Controllers() : hierarchies_(cgroups::detect_hierarchies()) {
    for (const Hierarchy& hierarchy : hierarchies_.all) {
      if (!hierarchy.v2) continue;
      const auto text =
          sys::read_file_if_any(sys::FdRef::cwd(), hierarchy.mount_point + "/cgroup.controllers");
      for (const std::string& name : sys::split(sys::join(sys::split(text.value_or(""), '\n'), " "), ' '))
        v2_.insert(name);
    }
  }

  /// Why the file is not to be had; empty when it is.
  std::string lacks(const cgroups::Setting& setting) const {
    if (setting.controller.empty()) return "";
    if (setting.v2)
      return v2_.contains(setting.controller)
                 ? ""
                 : "this host has no cgroup controller " + sys::quote(setting.controller);
    const Hierarchy* v1 = find_v1(setting.controller);
    if (v1 == nullptr) return "this host has no cgroup controller " + sys::quote(setting.controller);
    const std::string group = any_group(v1->mount_point);
    const auto has = [&](const std::string& file) {
      return group.empty() || sys::fstatat(sys::FdRef::cwd(), group + "/" + file).has_value();
    };
    if (has(setting.file) || (!setting.other_file.empty() && has(setting.other_file))) return "";
    return "the kernel has no " + setting.file + " in its cgroups";
  }

 private:
  /// A group that is not the root: that one lacks some files. Empty when there is none to look at.
  static std::string any_group(const std::string& root) {
    const sys::FdResult directory =
        sys::try_openat(sys::FdRef::cwd(), root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!directory) return "";
    for (const std::string& name : sys::list_directory(directory.fd)) {
      const auto info = sys::fstatat(directory.fd, name, AT_SYMLINK_NOFOLLOW);
      if (info && S_ISDIR(info->st_mode)) return root + "/" + name;
    }
    return "";
  }

  const Hierarchy* find_v1(const std::string& controller) const {
    for (const Hierarchy& hierarchy : hierarchies_.all) {
      const auto& names = hierarchy.controllers;
      if (!hierarchy.v2 && std::find(names.begin(), names.end(), controller) != names.end())
        return &hierarchy;
    }
    return nullptr;
  }

  cgroups::Hierarchies hierarchies_;
  std::set<std::string> v2_;
};

void check_resources(const CheckInput& in, Findings& out) {
  if (!in.config.linux.resources) return;
  const Controllers controllers;
  using Missing = cgroups::Setting::Missing;
  for (const cgroups::Setting& setting :
       cgroups::settings_of(*in.config.linux.resources, cgroup_versions(in.host))) {
    const std::string reason = setting.missing == Missing::skip ? "" : controllers.lacks(setting);
    if (reason.empty()) continue;
    out.add(Severity::missing, setting.origin, reason,
            setting.missing == Missing::warn ? "the container runs without it" : "leave the limit out");
  }
}

bool may_exceed_limits(const CheckInput& in) {
  return (in.host.permitted_capabilities >> CAP_SYS_RESOURCE & 1U) != 0;
}

/// getrlimit(2): nobody raises a hard limit without CAP_SYS_RESOURCE.
void check_rlimits(const CheckInput& in, Findings& out) {
  const std::vector<spec::Rlimit>& rlimits = in.config.process->rlimits;
  for (std::size_t i = 0; i < rlimits.size() && !may_exceed_limits(in); ++i) {
    const std::uint64_t most = sys::get_prlimit(0, rlimits[i].resource).hard;
    if (rlimits[i].hard > most)
      out.add(Severity::missing, pointer("/process/rlimits", i) + "/hard",
              std::string(spec::name_of(spec::rlimit_types, rlimits[i].resource)) +
                  " can't be raised above the caller's own, " + std::to_string(most),
              "ask for less, or run ocx with CAP_SYS_RESOURCE");
  }
}

/// proc(5): the same for a lower /proc/PID/oom_score_adj; in a user namespace of one's own it is skipped.
void check_oom_score(const CheckInput& in, Findings& out) {
  const std::optional<int> wanted = in.config.process->oom_score_adj;
  if (!wanted || may_exceed_limits(in)) return;
  const std::string text = sys::read_file(sys::FdRef::cwd(), "/proc/self/oom_score_adj");
  if (const auto own = sys::parse_int(text.substr(0, text.find('\n'))); own && *wanted < *own)
    out.add(Severity::missing, "/process/oomScoreAdj",
            std::to_string(*wanted) + " is below the caller's own, " + std::to_string(*own),
            "ask for no less, or run ocx with CAP_SYS_RESOURCE");
}

/// Majors in /proc/devices, "  1 mem" below "Character devices:" and "Block devices:".
std::map<char, std::set<std::int64_t>> drivers() {
  std::map<char, std::set<std::int64_t>> result;
  char type = 'c';
  for (const std::string& line : sys::split(sys::read_file(sys::FdRef::cwd(), "/proc/devices"), '\n')) {
    if (line == "Block devices:") type = 'b';
    const std::size_t first = line.find_first_not_of(' '), blank = line.find(' ', first);
    if (first == std::string::npos || blank == std::string::npos) continue;
    if (const auto major = sys::parse_int(line.substr(first, blank - first))) result[type].insert(*major);
  }
  return result;
}

void check_devices(const CheckInput& in, Findings& out) {
  const std::vector<spec::Device>& devices = in.config.linux.devices;
  if (devices.empty()) return;
  auto known = drivers();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const spec::Device& device = devices[i];
    if (device.type == 'p') continue;
    if (!known[device.type == 'b' ? 'b' : 'c'].contains(device.major))
      out.add(Severity::missing, pointer("/linux/devices", i) + "/major",
              "no driver of this kernel has major number " + std::to_string(device.major),
              "opening it will fail until its module is loaded");
    // mknod(2) is refused in a user namespace: the host's node is shown instead.
    if ((in.own_user_namespace() || in.host.in_user_namespace) &&
        !sys::fstatat(sys::FdRef::cwd(), device.path))
      out.add(Severity::missing, pointer("/linux/devices", i) + "/path",
              "the host has no " + sys::quote(device.path) + ", which a user namespace needs to be bound");
  }
}

}  // namespace

void check_limits(const CheckInput& in, Findings& out) {
  out.guard([&] { check_resources(in, out); });
  if (in.config.process) {
    check_rlimits(in, out);
    check_oom_score(in, out);
  }
  check_devices(in, out);
  if (in.config.linux.intel_rdt && !sys::fstatat(sys::FdRef::cwd(), "/sys/fs/resctrl/schemata"))
    out.add(Severity::missing, "/linux/intelRdt", "resctrl is not mounted here",
            "mount -t resctrl resctrl /sys/fs/resctrl, where processor and kernel have it");
}

}  // namespace ocx::runtime
