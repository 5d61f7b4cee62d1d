// config-linux.md, "Cgroup ownership".
#include <sched.h>

#include <algorithm>

#include "cgroups/leaf.hpp"
#include "runtime/plan_parts.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

/// The specification's condition: the cgroup is mounted where programs look for it, and not read-only.
bool shows_cgroup_writable(const spec::Mount& mount) {
  return mount.source == "cgroup" && sys::clean_path(mount.destination) == "/sys/fs/cgroup" &&
         std::find(mount.options.begin(), mount.options.end(), "ro") == mount.options.end();
}

std::optional<uid_t> host_uid(const std::vector<spec::IdMapping>& maps, uid_t uid) {
  for (const spec::IdMapping& map : maps)
    if (uid >= map.container_id && uid - map.container_id < map.size)
      return static_cast<uid_t>(map.host_id + (uid - map.container_id));
  return std::nullopt;
}

/// crun(1), run.oci.delegate-cgroup: asked for by name, so also without a user namespace.
std::optional<CgroupOwner> leaf_owner(const PlanInput& in, const Namespaces& namespaces) {
  const auto name = in.config.annotations.find(cgroups::delegate_annotation);
  if (name == in.config.annotations.end() || name->second.empty() || !cgroup_versions(in.host).pure_v2())
    return std::nullopt;
  const uid_t user = in.config.process ? in.config.process->user.uid : 0;
  const auto& maps = namespaces.uid_maps.empty() ? namespaces.expected_uid_maps : namespaces.uid_maps;
  return CgroupOwner{maps.empty() ? user : host_uid(maps, user).value_or(user),
                     pointer("/annotations", cgroups::delegate_annotation)};
}

}  // namespace

std::optional<CgroupOwner> plan_cgroup_owner(const PlanInput& in, const Namespaces& namespaces) {
  if (const auto leaf = leaf_owner(in, namespaces)) return leaf;
  // v1 can't be delegated. Without a user namespace the owner would be a user of the host.
  if (!cgroup_versions(in.host).pure_v2() || !in.makes(CLONE_NEWCGROUP) || !in.own(CLONE_NEWUSER) ||
      !in.config.process)
    return std::nullopt;
  const auto& maps = namespaces.uid_maps.empty() ? namespaces.expected_uid_maps : namespaces.uid_maps;
  const std::optional<uid_t> uid = host_uid(maps, in.config.process->user.uid);
  for (std::size_t i = 0; uid && i < in.config.mounts.size(); ++i)
    if (shows_cgroup_writable(in.config.mounts[i])) return CgroupOwner{*uid, pointer("/mounts", i)};
  return std::nullopt;
}

}  // namespace ocx::runtime
