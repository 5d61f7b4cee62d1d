#include <sched.h>

#include <algorithm>

#include "runtime/adopt.hpp"
#include "runtime/check_parts.hpp"
#include "runtime/plan_parts.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

bool exists(const std::string& path) {
  return sys::fstatat(sys::FdRef::cwd(), path).has_value();
}

/// The first line of a file of the kernel's; empty when there is no such file.
std::string kernel_value(const std::string& path) {
  const std::string text = sys::read_file_if_any(sys::FdRef::cwd(), path).value_or("");
  return text.substr(0, text.find('\n'));
}

void check_user_namespaces(const CheckInput& in, const std::string& origin, Findings& out) {
  if (kernel_value("/proc/sys/user/max_user_namespaces") == "0")
    out.add(Severity::missing, origin, "user namespaces are switched off here",
            "sysctl user.max_user_namespaces=10000");
  if (in.host.euid == 0) return;
  if (kernel_value("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    out.add(Severity::missing, origin, "user namespaces are for root alone here",
            "sysctl kernel.unprivileged_userns_clone=1");
  if (kernel_value("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
    out.add(Severity::missing, origin, "AppArmor restricts user namespaces of unprivileged programs here",
            "give ocx a profile with userns, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0");
}

void check_namespace(const CheckInput& in, const spec::Namespace& ns, const std::string& origin,
                     Findings& out) {
  if (!ns.path.empty())
    return out.guard([&] { open_namespace({ns.flag, ns.path, origin + "/path"}); }, Severity::error);
  const std::string name(spec::name_of(spec::namespace_types, ns.flag));
  if (!exists(std::string("/proc/self/ns/") + namespace_file(ns.flag)))
    return out.add(Severity::missing, origin, "the kernel has no " + name + " namespaces");
  if (ns.flag == CLONE_NEWUSER) check_user_namespaces(in, origin, out);
}

bool covers(const std::vector<IdRange>& ranges, const spec::IdMapping& mapping) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const IdRange& range) {
    return mapping.host_id >= range.first && mapping.size <= range.count &&
           mapping.host_id - range.first <= range.count - mapping.size;
  });
}

/// user_namespaces(7): without CAP_SETUID one's own id alone; newuidmap(1) gives those of subuid(5).
void check_id_map(const std::vector<spec::IdMapping>& map, const std::vector<IdRange>& ranges,
                  std::uint32_t own, const char* member, const char* file, Findings& out) {
  for (std::size_t i = 0; i < map.size(); ++i)
    if (!(map[i].size == 1 && map[i].host_id == own) && !covers(ranges, map[i]))
      out.add(Severity::missing, pointer(std::string("/linux/") + member, i),
              "the host's ids from " + std::to_string(map[i].host_id) + " on are not yours to map",
              std::string("add a range to ") + file + " (usermod --add-subuids, --add-subgids)");
}

void check_sysctls(const CheckInput& in, Findings& out) {
  for (const auto& [name, value] : in.config.linux.sysctl) {
    std::string path = name;
    if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
    if (!exists("/proc/sys/" + path))
      out.add(Severity::missing, pointer("/linux/sysctl", name),
              "the kernel has no sysctl " + sys::quote(name));
  }
}

}  // namespace

void check_namespaces(const CheckInput& in, Findings& out) {
  const spec::Linux& linux = in.config.linux;
  for (std::size_t i = 0; i < linux.namespaces.size(); ++i)
    check_namespace(in, linux.namespaces[i], pointer("/linux/namespaces", i), out);
  if (in.host.euid != 0) {
    check_id_map(linux.uid_mappings, in.host.subordinate_uids, in.host.euid, "uidMappings", "/etc/subuid",
                 out);
    check_id_map(linux.gid_mappings, in.host.subordinate_gids, in.host.egid, "gidMappings", "/etc/subgid",
                 out);
  }
  check_sysctls(in, out);
  for (const auto& [name, device] : linux.net_devices)
    if (!exists("/sys/class/net/" + name))
      out.add(Severity::missing, pointer("/linux/netDevices", name),
              "this host has no network device " + sys::quote(name), "`ip link` lists those there are");
}

}  // namespace ocx::runtime
