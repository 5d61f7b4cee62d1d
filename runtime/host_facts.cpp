#include <linux/magic.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cgroups/manager.hpp"
#include "runtime/adopt.hpp"
#include "runtime/passed_fds.hpp"
#include "runtime/rootless.hpp"
#include "spec/landlock.hpp"
#include "sys/file.hpp"
#include "sys/landlock.hpp"
#include "sys/process.hpp"
#include "sys/user_namespace.hpp"

namespace ocx::runtime {
namespace {

bool is_own(const spec::Namespace& ns) {
  const auto theirs = sys::fstatat(sys::FdRef::cwd(), ns.path);
  const auto ours = sys::fstatat(sys::FdRef::cwd(), std::string("/proc/self/ns/") + namespace_file(ns.flag));
  return theirs && ours && theirs->st_dev == ours->st_dev && theirs->st_ino == ours->st_ino;
}

void note_cgroups(HostFacts& host) {
  for (const cgroups::Hierarchies::Hierarchy& hierarchy : cgroups::detect_hierarchies().all) {
    host.cgroup2 |= hierarchy.v2;
    host.v1_controllers.insert(host.v1_controllers.end(), hierarchy.controllers.begin(),
                               hierarchy.controllers.end());
  }
  const auto& v1 = host.v1_controllers;
  host.cgroup_v2 = std::find(v1.begin(), v1.end(), "devices") == v1.end();
}

}  // namespace

void note_security(HostFacts& host, const std::map<std::string, std::string>& annotations) {
  // libselinux's rule: without its file system, or with a read-only one (in a container), SELinux is off.
  host.selinux = sys::is_writable_filesystem("/sys/fs/selinux", SELINUX_MAGIC);
  if (spec::has_landlock(annotations)) host.landlock_abi = sys::try_landlock_abi();
}

HostFacts gather_host_facts(const spec::Config& config) {
  HostFacts host;
  for (const spec::Namespace& ns : config.linux.namespaces)
    if (!ns.path.empty() && is_own(ns)) host.joined_own |= ns.flag;
  host.euid = ::geteuid();
  host.egid = ::getegid();
  host.in_user_namespace = sys::in_user_namespace();
  note_cgroups(host);
  host.last_capability = sys::last_capability();
  host.permitted_capabilities = sys::capget().permitted;
  note_ids(host);
  note_security(host, config.annotations);
  host.listen_fds = listen_fds();
  const char* notify = std::getenv("NOTIFY_SOCKET");
  host.notify_socket = notify != nullptr && *notify != '\0';
  return host;
}

}  // namespace ocx::runtime
