// The program a bundle compiles to. plan() is pure: no system call, no privilege; the same input gives the
// same program.
//
// Executing is dumb: the parent and init walk their lists. Each step carries its origin, the JSON pointer of
// the setting that asked for it, which is what an error, `ocx explain` and --trace print.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/request.hpp"
#include "spec/config.hpp"
#include "spec/core_scheduling.hpp"
#include "spec/landlock.hpp"
#include "spec/mount_options.hpp"

namespace ocx::runtime {

using Origin = std::string;  // "/mounts/3"; empty: ocx's own doing

namespace step {

// --- namespaces
// -----------------------------------------------------------------------------------------------------
/// Waits until the parent has written the id maps, then becomes an id of the new user namespace: 0, where
/// that is mapped.
struct BecomeRoot {
  uid_t uid = 0;
  gid_t gid = 0;
};
/// A session keyring of its own, named _ses.<id>.
struct SessionKeyring {
  std::string name;
  std::string label = {};  // SELinux; empty: as the policy has it
};
/// Brings "lo" up in a new network namespace.
struct LoopbackUp {};
/// Waits until the parent has put init into its cgroup, then unshares the cgroup namespace, so that it is
/// rooted there. Without `unshare`, only waits.
struct JoinCgroup {
  bool unshare = false;
};
struct SetHostname {
  std::string name;
};
struct SetDomainname {
  std::string name;
};
/// `path` is below /proc/sys, with slashes.
struct Sysctl {
  std::string path, value;
};

// --- root file system
// -----------------------------------------------------------------------------------------------
/// Propagation of "/" in the new mount namespace before anything is mounted; flags MS_SLAVE|MS_REC and the
/// like.
struct RootPropagation {
  std::uint64_t flags = 0;
};
/// The rootfs becomes a mount of its own, at its place; InitContext::root then refers to it.
/// With `bind` false (no mount namespace of its own) only the directory is opened, or, `detached`, a copy of
/// its mount that is at no place of the host's: what is mounted there is seen from the container's root
/// alone.
struct AttachRootfs {
  std::string path;
  bool parent_private = false;
  bool bind = true;
  bool detached = false;
};
struct DeviceNode {
  char type = 'c';   // c, b or p ('u' has become 'c')
  std::string path;  // absolute in the container
  dev_t device = 0;
  mode_t mode = 0666;  // permission bits
  uid_t uid = 0;       // ids inside the container
  gid_t gid = 0;
  bool bind = false;  // bind the host's node: mknod is refused in a user namespace
  Origin origin;
};
struct SymbolicLink {
  std::string target, path;
  bool replace = false;
};
/// Which ids a mount shows for those of its file system (mount_setattr(2), MOUNT_ATTR_IDMAP). The "container"
/// ids are those of the file system, the host's are what they are seen as.
struct IdMap {
  bool container = false;  // the map of the container's user namespace; it may be known to the kernel alone
  bool recursive = false;  // of the mounts below, too
  std::vector<spec::IdMapping> uids, gids;
  Origin origin;  // /mounts/3/options/1
};
struct Mount {
  enum class Kind { filesystem, bind, remount, cgroup };
  Kind kind = Kind::filesystem;
  Origin origin;             // /mounts/3
  std::string type, source;  // source: absolute for binds
  std::string target;        // absolute, cleaned
  spec::MountOptions options;
  bool late_read_only =
      false;  // asked read-only, but things are still to be made in it: SetReadOnly comes later
  std::vector<DeviceNode> devices;  // made in the file system before it is attached (a tmpfs on /dev)
  std::vector<SymbolicLink> links;
  std::vector<std::string> directories;  // "pts", "shm": mount points needed next, made with it
  std::optional<IdMap> id_map;           // binds only
  std::string label;  // linux.mountLabel, where no option of the mount can carry it: mqueue, cgroup
};
/// The first mount of config.json, when it is over "/": instead of root.path the container's root is this
/// file system or bind, mounted on root.path in the container's own mount namespace; InitContext::root then
/// refers to it. `parent_private` as AttachRootfs has it.
struct MountRoot {
  std::string path;
  bool parent_private = false;
  Mount mount;
};
struct MakeDevice {
  DeviceNode node;
};
struct MakeLink {
  SymbolicLink link;
};

// --- into the root
// --------------------------------------------------------------------------------------------------
enum class RootMethod { pivot, move, chroot };  // move: --no-pivot; chroot: no mount namespace of its own
struct EnterRoot {
  RootMethod method = RootMethod::pivot;
};
/// Propagation the configuration wants for the container's root, applied after the pivot.
struct RootfsPropagation {
  std::uint64_t flags = 0;
};
/// Allocates the pty from the container's own devpts, sends the master away, binds the slave on /dev/console.
struct Console {
  std::optional<spec::ConsoleSize> size;
  bool own_mount_namespace = true;
  uid_t uid = 0;     // owner of the slave
  bool bind = true;  // false for exec: /dev/console is init's
};
struct SetReadOnly {
  std::string path;
};
struct ReadonlyPath {
  std::string path;
};
struct MaskedPath {
  std::string path;
};

// --- process
// --------------------------------------------------------------------------------------------------------
struct Personality {
  unsigned long domain = 0;
};
/// The working directory: made when missing, entered as root, and, where root was denied (root-squashed or
/// private), once more as the user.
struct EnterDirectory {
  enum class Phase { make, enter, enter_as_user };
  std::string path;
  Phase phase = Phase::make;
};
struct NoNewPrivileges {};
/// umask, chown of stdio, groups, gid, uid; keeps capabilities across it.
struct SetUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::optional<mode_t> umask;
  bool set_groups = true;
};
struct DropBounding {
  std::uint64_t keep = 0;
};
struct SetCapabilities {
  spec::Capabilities sets;
};
/// NUMA memory policy (set_mempolicy(2)).
struct SetMemoryPolicy {
  spec::MemoryPolicy policy;
};
/// Changes at the next exec.
struct AppArmorProfile {
  std::string name;
};
struct SelinuxLabel {
  std::string label;
};
/// Rules a process lays on itself (landlock(7)); needs no_new_privs or CAP_SYS_ADMIN.
struct Landlock {
  spec::LandlockRules rules;
};
/// Loads the program that the parent compiled (InitChannel::receive_seccomp). `send_listener`: some action is
/// SCMP_ACT_NOTIFY.
struct LoadSeccomp {
  bool send_listener = false;
};
/// Looks args[0] up in the container's PATH (execvp rules), so that a missing program is create's error.
struct FindExecutable {
  std::string name;
  std::string path_variable;
};

// --- done by the parent to init
// --------------------------------------------------------------------------------------
struct OomScoreAdj {
  int value = 0;
  bool optional = false;  // an unprivileged caller's wish: a warning when it can't be had
};
struct SetRlimit {
  int resource = 0;
  std::uint64_t soft = 0, hard = 0;
};
struct SetScheduler {
  spec::Scheduler scheduler;
};
struct SetIoPriority {
  spec::IoPriority priority;
};
/// A core scheduling cookie (prctl(2), PR_SCHED_CORE): a new one, or that of another process. The parent's,
/// because init can't name a process outside its pid namespace.
struct CoreScheduling {
  spec::CoreScheduling request;
};

}  // namespace step

using InitAction =
    std::variant<step::BecomeRoot, step::SessionKeyring, step::LoopbackUp, step::JoinCgroup,
                 step::SetHostname, step::SetDomainname, step::Sysctl, step::RootPropagation,
                 step::AttachRootfs, step::MountRoot, step::Mount, step::MakeDevice, step::MakeLink,
                 step::EnterRoot, step::RootfsPropagation, step::Console, step::SetReadOnly,
                 step::ReadonlyPath, step::MaskedPath, step::Personality, step::EnterDirectory,
                 step::NoNewPrivileges, step::SetUser, step::DropBounding, step::SetCapabilities,
                 step::SetRlimit, step::FindExecutable, step::SetMemoryPolicy, step::AppArmorProfile,
                 step::SelinuxLabel, step::Landlock, step::LoadSeccomp>;
struct InitStep {
  Origin origin;
  InitAction action;
};

using ParentAction = std::variant<step::OomScoreAdj, step::SetRlimit, step::SetScheduler, step::SetIoPriority,
                                  step::CoreScheduling>;
struct ParentStep {
  Origin origin;
  ParentAction action;
};

struct JoinNamespace {
  std::uint64_t flag = 0;
  std::string path;
  Origin origin;
};

/// What the parent does up to and including clone3.
struct Namespaces {
  std::uint64_t new_flags =
      0;  // for clone3; never CLONE_NEWCGROUP (init unshares it) nor CLONE_NEWTIME (the parent prepares it)
  bool new_time = false;
  std::vector<JoinNamespace> joins;
  /// The caller could not come back from what it would have to enter, so a process in between does: setns(2)
  /// into a user namespace is for good, and from inside one the host's other namespaces can't be joined
  /// again.
  bool through_relay = false;
  std::vector<spec::IdMapping> uid_maps, gid_maps;  // to write; empty when none or joined
  // Of a user namespace joined by path, when the configuration repeats them: they have to be the same.
  std::vector<spec::IdMapping> expected_uid_maps, expected_gid_maps;
  std::map<std::string, spec::TimeOffset> time_offsets;
  bool own_mounts() const;  // a mount namespace, new or joined, that is not the runtime's
  bool own_pids() const;    // a new pid namespace: killing init ends all of it
  bool joins_user() const;
};

/// The container's user who may make cgroups of his own (config-linux.md, "Cgroup ownership").
struct CgroupOwner {
  uid_t uid = 0;  // of the host
  Origin origin;  // the mount that shows him the cgroup
};

/// A device of the runtime's network namespace that moves into the container's.
struct NetDeviceMove {
  std::string host_name, name;  // name: may hold %d
  Origin origin;
};

struct Plan {
  // In plan.cpp: of their own accord they would be compiled wherever a plan is seen, step by step.
  Plan();
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  std::string id, oci_version;
  std::string bundle, rootfs;  // absolute paths
  Namespaces namespaces;
  std::optional<std::string> cgroups_path;
  std::optional<CgroupOwner> cgroup_owner;
  bool rootless = false;  // a cgroup is wished for, not insisted on (--rootless)
  std::optional<spec::Resources> resources;
  std::optional<spec::IntelRdt> intel_rdt;
  std::vector<NetDeviceMove> net_devices;

  // Init's program, in order. The parent's hooks run between `build` and `enter`.
  /// Init waits between `build` and `enter`: hooks of the parent's may want the container as it then is, and
  /// device rules that are being written refuse, for a moment, what they will allow.
  bool parent_acts_between() const {
    return resources || !net_devices.empty() || !hooks.prestart.empty() || !hooks.create_runtime.empty();
  }

  std::vector<InitStep> build;         // namespaces, mounts, devices -> RootfsReady
  std::vector<InitStep> enter;         // pivot, console, masks, identity, capabilities, executable -> Ready
  std::vector<ParentStep> attributes;  // the parent's, at Ready
  std::vector<InitStep> last;          // after startContainer hooks, right before execve

  std::optional<spec::Seccomp> seccomp;  // compiled by the parent, loaded by step::LoadSeccomp

  spec::Hooks hooks;
  bool terminal = false;
  bool notify = false;  // <state>/notify is mounted for the payload's readiness message
  bool has_process = false;
  std::vector<std::string> args,
      env;  // of the payload; env with HOME, LISTEN_FDS, NOTIFY_SOCKET settled by init
  std::string cwd;
  unsigned preserve_fds = 0;  // descriptors 3 .. 2+n go to the payload (LISTEN_FDS included)
  unsigned listen_fds = 0;    // the first of them, announced by LISTEN_FDS
  std::map<std::string, std::string> annotations;
  std::string exec_document;  // kept for later `exec` (spec/exec_document.hpp)
};

/// A line of subuid(5) or subgid(5).
struct IdRange {
  std::uint32_t first = 0, count = 0;
  bool operator==(const IdRange&) const = default;
};

/// What the machine is, gathered once before planning; plan() looks at nothing else.
struct HostFacts {
  std::uint64_t joined_own =
      0;  // CLONE_NEW* whose path is the runtime's own namespace: joining it isolates nothing
  bool in_user_namespace = false;  // ocx itself runs inside one
  uid_t euid = 0;
  gid_t egid = 0;
  // Of the user namespace ocx runs in, when that is not the initial one.
  std::vector<spec::IdMapping> uid_maps, gid_maps;
  // Of a caller without privileges: what newuidmap(1) and newgidmap(1) will map for it; empty without them.
  std::vector<IdRange> subordinate_uids, subordinate_gids;
  bool cgroup_v2 = false;  // no v1 devices controller: device rules would need an eBPF program
  std::vector<std::string> v1_controllers;  // mounted as cgroup v1
  bool cgroup2 = false;                     // a v2 hierarchy is mounted, beside v1 or alone
  unsigned last_capability = 40;
  std::uint64_t permitted_capabilities = ~0ULL;  // of ocx
  bool selinux = false;                          // enabled
  int landlock_abi = 0;        // version of the kernel's Landlock; -errno: it has none. Only when asked for
  unsigned listen_fds = 0;     // LISTEN_FDS of the caller
  bool notify_socket = false;  // NOTIFY_SOCKET is set: <state>/notify is bound to /run/notify
  std::string notify_directory;
};
/// `config` is looked at for namespaces joined by path, and for what nobody needs to know without it.
HostFacts gather_host_facts(const spec::Config& config);
/// The part of it about security modules, which `exec` needs too.
void note_security(HostFacts& host, const std::map<std::string, std::string>& annotations);

/// Compiles. Throws Error (invalid_config, unsupported) with the origin of the first setting that can't be
/// had; `warnings` gets what is skipped on purpose (ungrantable capabilities, …).
Plan plan(const spec::Config& config, const CreateRequest& request, const Globals& globals,
          const HostFacts& host, std::vector<std::string>& warnings);

/// One step in words: "mount tmpfs on /dev (nosuid, strictatime; mode=755, size=65536k)". Also the first part
/// of its error.
std::string describe(const InitAction& action);
std::string describe(const ParentAction& action);

}  // namespace ocx::runtime
