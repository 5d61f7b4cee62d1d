// Each step in words: for `ocx explain`, and the first part of the step's error.
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include <cstdio>

#include "runtime/plan.hpp"
#include "spec/names.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using sys::quote;

std::string propagation_words(std::uint64_t flags) {
  std::string out = (flags & MS_REC) != 0 ? "r" : "";
  if ((flags & MS_SHARED) != 0) return out + "shared";
  if ((flags & MS_PRIVATE) != 0) return out + "private";
  if ((flags & MS_UNBINDABLE) != 0) return out + "unbindable";
  return out + "slave";
}

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode));
  return text;
}

void add(std::string& list, std::string_view word) {
  if (!list.empty()) list += ", ";
  list += word;
}

/// The words for MOUNT_ATTR_* bits, as mount(8) writes them.
void add_attributes(std::string& list, const spec::MountAttributes& attributes, const std::string& prefix) {
  struct Word {
    std::uint64_t bit;
    const char *set, *clear;
  };
  constexpr Word words[] = {{MOUNT_ATTR_RDONLY, "ro", "rw"},
                            {MOUNT_ATTR_NOSUID, "nosuid", "suid"},
                            {MOUNT_ATTR_NODEV, "nodev", "dev"},
                            {MOUNT_ATTR_NOEXEC, "noexec", "exec"},
                            {MOUNT_ATTR_NODIRATIME, "nodiratime", "diratime"},
                            {MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow", "symfollow"}};
  for (const Word& word : words) {
    if ((attributes.set & word.bit) != 0) add(list, prefix + word.set);
    // Clearing matters only where something is inherited: binds and remounts say it, fresh mounts start
    // clear.
    else if ((attributes.clear & word.bit) != 0)
      add(list, prefix + word.clear);
  }
  if ((attributes.set & MOUNT_ATTR_NOATIME) != 0) add(list, prefix + "noatime");
  if ((attributes.set & MOUNT_ATTR_STRICTATIME) != 0) add(list, prefix + "strictatime");
}

std::string ranges(const char* what, const std::vector<spec::IdMapping>& maps) {
  std::string out;
  for (const spec::IdMapping& map : maps)
    out += std::string(" ") + what + " " + std::to_string(map.container_id) + " as " +
           std::to_string(map.host_id) + (map.size == 1 ? "" : " (" + std::to_string(map.size) + " ids)");
  return out;
}

std::string id_map_words(const step::IdMap& map) {
  const std::string words = std::string("ids") + (map.recursive ? ", also of mounts below," : "") + " shown";
  if (map.container) return words + " as in the container's user namespace";
  return words + ":" + ranges("uid", map.uids) + "," + ranges("gid", map.gids);
}

std::string mount_details(const step::Mount& mount) {
  std::string list;
  add_attributes(list, mount.options.attributes, "");
  add_attributes(list, mount.options.recursive_attributes, "r");
  for (const std::uint64_t flags : mount.options.propagation) add(list, propagation_words(flags));
  if (mount.id_map) add(list, id_map_words(*mount.id_map));
  if (mount.options.tmpcopyup) add(list, "with a copy of what is there");
  for (const auto& data : mount.options.data) add(list, data.text);
  if (mount.late_read_only) add(list, "read-only later");
  return list.empty() ? list : " (" + list + ")";
}

std::string device_words(const step::DeviceNode& node) {
  std::string out = (node.bind ? "bind the host's device " : "make device ") + quote(node.path);
  if (node.type == 'p') return "make FIFO " + quote(node.path);
  out += std::string(" (") + (node.type == 'b' ? "block " : "char ") + std::to_string(major(node.device)) +
         ":" + std::to_string(minor(node.device));
  if (!node.bind) out += ", mode " + octal(node.mode);
  if (node.uid != 0 || node.gid != 0)
    out += ", owner " + std::to_string(node.uid) + ":" + std::to_string(node.gid);
  return out + ")";
}

std::string capability_words(std::uint64_t set) {
  std::string list;
  for (unsigned bit = 0; bit < 64; ++bit)
    if ((set >> bit & 1U) != 0) add(list, spec::capability_name(bit));
  return list.empty() ? "none" : list;
}

struct Words {
  std::string operator()(const step::BecomeRoot& s) const {
    return "become uid " + std::to_string(s.uid) + " and gid " + std::to_string(s.gid) +
           " of the user namespace";
  }
  std::string operator()(const step::SessionKeyring& s) const {
    return "join a session keyring of its own, " + quote(s.name);
  }
  std::string operator()(const step::LoopbackUp&) const { return "bring the loopback interface up"; }
  std::string operator()(const step::JoinCgroup& s) const {
    return s.unshare ? "make a new cgroup namespace, rooted at the container's cgroup"
                     : "wait until the parent has put init into the cgroup";
  }
  std::string operator()(const step::SetHostname& s) const { return "set the host name to " + quote(s.name); }
  std::string operator()(const step::SetDomainname& s) const {
    return "set the NIS domain name to " + quote(s.name);
  }
  std::string operator()(const step::Sysctl& s) const {
    return "set sysctl " + quote(s.path) + " to " + quote(s.value);
  }
  std::string operator()(const step::RootPropagation& s) const {
    const std::string words = " (" + propagation_words(s.flags) + ")";
    if ((s.flags & MS_SHARED) != 0) return "let mounts travel between host and container" + words;
    if ((s.flags & MS_PRIVATE) != 0) return "let no mount travel between host and container" + words;
    return "let mounts travel from the host into the container, never back" + words;
  }
  std::string operator()(const step::AttachRootfs& s) const {
    if (s.detached) return "take a copy of the rootfs " + quote(s.path) + " that is mounted nowhere";
    return s.bind ? "make the rootfs " + quote(s.path) + " a mount of its own"
                  : "open the rootfs " + quote(s.path);
  }
  std::string operator()(const step::MountRoot& s) const {
    const step::Mount& m = s.mount;
    const bool bind = m.kind == step::Mount::Kind::bind;
    const std::string what = bind ? "bind " + quote(m.source) : "mount " + quote(m.type);
    return what + " on the rootfs " + quote(s.path) +
           (m.options.recursive_bind ? " with its submounts" : "") + ", as the container's root" +
           mount_details(m);
  }
  std::string operator()(const step::Mount& s) const {
    using Kind = step::Mount::Kind;
    if (s.kind == Kind::remount) return "remount " + quote(s.target) + mount_details(s);
    if (s.kind == Kind::bind)
      return "bind " + quote(s.source) + " on " + quote(s.target) +
             (s.options.recursive_bind ? " with its submounts" : "") + mount_details(s);
    return "mount " + quote(s.type) + " on " + quote(s.target) + mount_details(s);
  }
  std::string operator()(const step::MakeDevice& s) const { return device_words(s.node); }
  std::string operator()(const step::MakeLink& s) const {
    return "link " + quote(s.link.path) + " to " + quote(s.link.target);
  }
  std::string operator()(const step::EnterRoot& s) const {
    switch (s.method) {
      case step::RootMethod::move:
        return "move the rootfs over \"/\" and change root to it (--no-pivot)";
      case step::RootMethod::chroot:
        return "change root to the rootfs (chroot: there is no mount namespace to pivot in)";
      default:
        return "make the rootfs \"/\" (pivot_root) and detach the host's tree";
    }
  }
  std::string operator()(const step::RootfsPropagation& s) const {
    return "make the container's root " + propagation_words(s.flags);
  }
  std::string operator()(const step::Console&) const {
    return "make a terminal on the container's devpts, also as /dev/console";
  }
  std::string operator()(const step::SetReadOnly& s) const { return "make " + quote(s.path) + " read-only"; }
  std::string operator()(const step::ReadonlyPath& s) const {
    return "make path " + quote(s.path) + " read-only, if it exists";
  }
  std::string operator()(const step::MaskedPath& s) const { return "mask " + quote(s.path); }
  std::string operator()(const step::Personality& s) const {
    return std::string("set the personality to ") + (s.domain == 0 ? "LINUX" : "LINUX32");
  }
  std::string operator()(const step::EnterDirectory& s) const {
    using Phase = step::EnterDirectory::Phase;
    if (s.phase == Phase::make) return "make the working directory " + quote(s.path) + " if it is missing";
    return "enter the working directory " + quote(s.path) +
           (s.phase == Phase::enter ? "" : " as the user, where root was denied");
  }
  std::string operator()(const step::NoNewPrivileges&) const {
    return "forbid new privileges by exec (no_new_privs)";
  }
  std::string operator()(const step::SetUser& s) const {
    std::string out = "become uid " + std::to_string(s.uid) + ", gid " + std::to_string(s.gid);
    if (!s.groups.empty()) {
      std::string groups;
      for (const gid_t gid : s.groups) add(groups, std::to_string(gid));
      out += ", groups " + groups;
    }
    if (!s.set_groups) out += ", keeping the caller's groups";
    return s.umask ? out + ", umask " + octal(*s.umask) : out;
  }
  std::string operator()(const step::DropBounding& s) const {
    return "limit the capabilities that any program in it can ever have to: " + capability_words(s.keep);
  }
  std::string operator()(const step::SetCapabilities& s) const {
    const bool same = s.sets.permitted == s.sets.effective;
    std::string out = std::string("set capabilities, effective") + (same ? " and permitted: " : ": ") +
                      capability_words(s.sets.effective);
    if (!same) out += "; permitted: " + capability_words(s.sets.permitted);
    if (s.sets.inheritable != 0) out += "; inheritable: " + capability_words(s.sets.inheritable);
    if (s.sets.ambient != 0) out += "; ambient: " + capability_words(s.sets.ambient);
    return out;
  }
  std::string operator()(const step::FindExecutable& s) const { return "find the program " + quote(s.name); }
  std::string operator()(const step::SetMemoryPolicy& s) const {
    return "set the memory policy to " +
           std::string(spec::name_of(spec::memory_policy_modes, s.policy.mode)) +
           (s.policy.nodes.empty() ? "" : " of nodes " + s.policy.nodes);
  }
  std::string operator()(const step::AppArmorProfile& s) const {
    return "change to the AppArmor profile " + quote(s.name) + " at exec";
  }
  std::string operator()(const step::SelinuxLabel& s) const {
    return "change to the SELinux label " + quote(s.label) + " at exec";
  }
  std::string operator()(const step::Landlock& s) const {
    return "restrict itself by Landlock to: " + spec::describe_landlock(s.rules);
  }
  std::string operator()(const step::LoadSeccomp& s) const {
    return std::string("load the seccomp filter") +
           (s.send_listener ? ", and hand over the descriptor of its notifications" : "");
  }

  std::string operator()(const step::OomScoreAdj& s) const {
    return "set oom_score_adj to " + std::to_string(s.value) +
           " (-1000 to 1000: the highest is killed first)";
  }
  std::string operator()(const step::SetRlimit& s) const {
    return "limit " + std::string(spec::name_of(spec::rlimit_types, s.resource)) + " to " + limit(s.soft) +
           " (hard " + limit(s.hard) + ")";
  }
  std::string operator()(const step::SetScheduler& s) const {
    return "set the scheduling policy to " +
           std::string(spec::name_of(spec::scheduler_policies, s.scheduler.policy));
  }
  std::string operator()(const step::SetIoPriority& s) const {
    return "set the I/O priority to " +
           std::string(spec::name_of(spec::io_priority_classes, s.priority.io_class)) + " " +
           std::to_string(s.priority.priority);
  }
  std::string operator()(const step::CoreScheduling& s) const {
    return "share processor cores with nothing but " +
           (s.request.share_with == 0 ? std::string("itself")
                                      : "process " + std::to_string(s.request.share_with) + " and its like") +
           " (core scheduling)";
  }

 private:
  static std::string limit(std::uint64_t value) {
    return value == ~0ULL ? "unlimited" : std::to_string(value);
  }
};

}  // namespace

std::string describe(const InitAction& action) {
  return std::visit(Words{}, action);
}
std::string describe(const ParentAction& action) {
  return std::visit(Words{}, action);
}

}  // namespace ocx::runtime
