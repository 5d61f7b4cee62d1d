#include "runtime/purpose.hpp"

#include <sched.h>

#include <array>

namespace ocx::runtime {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<InitAction>> init_kinds{"become-root",
                                                                                   "session-keyring",
                                                                                   "loopback-up",
                                                                                   "join-cgroup",
                                                                                   "set-hostname",
                                                                                   "set-domainname",
                                                                                   "sysctl",
                                                                                   "mount-propagation",
                                                                                   "attach-rootfs",
                                                                                   "mount-root",
                                                                                   "mount",
                                                                                   "make-device",
                                                                                   "make-link",
                                                                                   "enter-root",
                                                                                   "rootfs-propagation",
                                                                                   "console",
                                                                                   "set-read-only",
                                                                                   "read-only-path",
                                                                                   "mask-path",
                                                                                   "personality",
                                                                                   "enter-directory",
                                                                                   "no-new-privileges",
                                                                                   "set-user",
                                                                                   "drop-bounding",
                                                                                   "set-capabilities",
                                                                                   "set-rlimit",
                                                                                   "find-executable",
                                                                                   "memory-policy",
                                                                                   "apparmor-profile",
                                                                                   "selinux-label",
                                                                                   "landlock",
                                                                                   "load-seccomp"};
constexpr std::array<std::string_view, std::variant_size_v<ParentAction>> parent_kinds{
    "oom-score-adj", "set-rlimit", "set-scheduler", "set-io-priority", "core-scheduling"};

struct Clause {
  std::string_view name, purpose;
};

constexpr Clause mount_purposes[] = {
    {"proc", "processes and kernel settings, as its pid namespace has them"},
    {"sysfs", "the kernel's view of devices and drivers, and of its network namespace"},
    {"devpts", "terminals of its own"},
    {"mqueue", "the POSIX message queues of its ipc namespace"},
    {"cgroup", "the cgroups it is in, with their limits and use"},
    {"cgroup2", "the cgroups it is in, with their limits and use"},
};

std::string_view purpose_of_tmpfs(std::string_view target) {
  if (target == "/dev") return "in memory, for the devices that follow and no others";
  if (target == "/dev/shm") return "POSIX shared memory";
  return "files in memory, gone with the container";
}

constexpr Clause file_purposes[] = {
    {"memory.limit_in_bytes", "what it uses beyond is taken back, or a process killed"},
    {"memory.max", "what it uses beyond is taken back, or a process killed"},
    {"memory.memsw.limit_in_bytes", "memory and swap together"},
    {"memory.swap.max", "its memory in swap"},
    {"memory.soft_limit_in_bytes", "what it keeps when the host is short of memory"},
    {"memory.low", "what it keeps when the host is short of memory"},
    {"cpu.shares", "its part of busy processors"},
    {"cpu.weight", "its part of busy processors"},
    {"cpu.cfs_quota_us", "beyond this time it waits for the next period"},
    {"cpu.max", "beyond this time it waits for the next period"},
    {"cpuset.cpus", "the processors it runs on"},
    {"cpuset.mems", "the memory nodes it uses"},
    {"pids.max", "more processes and threads can't be made"},
    {"blkio.bfq.weight", "its part of busy disks"},
    {"io.bfq.weight", "its part of busy disks"},
    {"io.max", "faster requests of the device wait"},
    {"rdma.max", "more resources of the device can't be had"},
};

struct Why {
  std::string_view operator()(const step::Mount& s) const { return purpose_of(s); }
  std::string_view operator()(const step::SessionKeyring&) const { return "it can't see the caller's keys"; }
  std::string_view operator()(const step::LoopbackUp&) const { return "127.0.0.1 works"; }
  std::string_view operator()(const step::AttachRootfs& s) const {
    if (s.detached) return "the mount namespace is the host's, which must not see the mounts";
    return s.bind ? "only a mount can become \"/\"" : "";
  }
  std::string_view operator()(const step::MountRoot&) const { return "in place of what root.path has"; }
  std::string_view operator()(const step::JoinCgroup& s) const {
    return s.unshare ? "cgroup paths begin there, those above are invisible" : "";
  }
  std::string_view operator()(const step::MaskedPath&) const { return "it reads as empty, if it exists"; }
  std::string_view operator()(const step::NoNewPrivileges&) const { return "setuid programs gain nothing"; }
  std::string_view operator()(const step::FindExecutable&) const {
    return "a missing one is an error of create, not of start";
  }
  template <typename Other>
  std::string_view operator()(const Other&) const {
    return {};
  }
};

}  // namespace

std::string_view purpose_of_namespace(std::uint64_t flag) {
  switch (flag) {
    case CLONE_NEWPID:
      return "it sees only its own processes, counted from 1";
    case CLONE_NEWNET:
      return "interfaces, addresses, routes, ports and firewall rules of its own";
    case CLONE_NEWNS:
      return "what it mounts, the host does not see";
    case CLONE_NEWIPC:
      return "System V IPC objects and POSIX message queues of its own";
    case CLONE_NEWUTS:
      return "a host name of its own";
    case CLONE_NEWUSER:
      return "ids of its own: its root is some other user outside";
    case CLONE_NEWCGROUP:
      return "cgroup paths begin at its own cgroup";
    case CLONE_NEWTIME:
      return "monotonic and boot clocks of its own";
    default:
      return {};
  }
}

std::string_view purpose_of(const step::Mount& mount) {
  using Kind = step::Mount::Kind;
  if (mount.kind != Kind::filesystem && mount.kind != Kind::cgroup) return {};
  if (mount.type == "tmpfs") return purpose_of_tmpfs(mount.target);
  for (const Clause& clause : mount_purposes)
    if (mount.type == clause.name) return clause.purpose;
  return {};
}

std::string_view purpose_of(const InitAction& action) {
  return std::visit(Why{}, action);
}

std::string_view purpose_of_file(std::string_view file) {
  for (const Clause& clause : file_purposes)
    if (clause.name == file) return clause.purpose;
  if (file.starts_with("blkio.throttle.")) return "faster requests of the device wait";
  return file.starts_with("hugetlb.") ? "more huge pages of this size can't be had" : "";
}

std::string_view kind_of(const InitAction& action) {
  return init_kinds[action.index()];
}
std::string_view kind_of(const ParentAction& action) {
  return parent_kinds[action.index()];
}

}  // namespace ocx::runtime
