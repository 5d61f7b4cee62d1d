// Id-mapped mounts (config.md, "Mounts", uidMappings): which ids a mount shows for those of its file system.
#include <sched.h>

#include "runtime/plan_parts.hpp"
#include "spec/idmap_option.hpp"
#include "sys/error.hpp"

namespace ocx::runtime {
namespace {

Error invalid(const std::string& what, const std::string& origin) {
  return Error(what, ErrorKind::invalid_config).at(origin);
}

void check_bind(const step::Mount& mount, const std::string& origin) {
  if (mount.kind != step::Mount::Kind::bind)
    throw invalid("only a bind mount can be id-mapped", origin)
        .hint("files of a new file system belong to whom its own options say");
}

/// That of the container, as far as the configuration knows it.
void use_container_map(const PlanInput& in, step::IdMap& map, const std::string& origin) {
  if (!in.own(CLONE_NEWUSER))
    throw invalid("the mount is to be id-mapped, but neither it nor a user namespace has mappings", origin)
        .hint("add uidMappings and gidMappings to the mount");
  map.container = true;
  map.uids = in.config.linux.uid_mappings;
  map.gids = in.config.linux.gid_mappings;
}

void use_inline_map(const PlanInput& in, const spec::MountOptions& options, step::IdMap& map,
                    const std::string& origin) {
  const spec::Linux& linux = in.config.linux;
  const spec::IdmapOption wanted = spec::parse_idmap_option(options.idmap_arguments, origin);
  if (wanted.relative() && !in.own(CLONE_NEWUSER))
    throw invalid("an id mapping with \"@\" is relative to the container's user namespace, and it has none",
                  origin);
  if (wanted.relative() && (linux.uid_mappings.empty() || linux.gid_mappings.empty()))
    throw invalid("an id mapping with \"@\" needs to know the mappings of the user namespace", origin)
        .hint("repeat them in linux.uidMappings and linux.gidMappings");
  map.uids = spec::absolute_id_map(wanted.uids, linux.uid_mappings, origin);
  map.gids = spec::absolute_id_map(wanted.gids, linux.gid_mappings, origin);
}

}  // namespace

void plan_id_map(const PlanInput& in, const spec::Mount& mount, step::Mount& out) {
  const spec::MountOptions& options = out.options;
  const bool listed = !mount.uid_mappings.empty();
  if (!listed && !options.idmap) return;
  const std::string origin =
      options.idmap ? pointer(out.origin + "/options", options.idmap_index) : out.origin + "/uidMappings";
  check_bind(out, origin);
  if (in.host.euid != 0)
    throw Error("an id-mapped mount needs CAP_SYS_ADMIN where its file system was mounted",
                ErrorKind::unsupported)
        .at(origin)
        .hint("only root of the host has that");

  step::IdMap map;
  map.recursive = options.idmap_recursive;
  if (listed && !options.idmap_arguments.empty())
    throw invalid("the mount has id mappings twice: uidMappings, and those of its option", origin);
  if (listed) {
    map.uids = mount.uid_mappings;
    map.gids = mount.gid_mappings;
  } else if (!options.idmap_arguments.empty()) {
    use_inline_map(in, options, map, origin);
  } else {
    use_container_map(in, map, origin);
  }
  // The same map needs no second namespace.
  map.container = map.container || (in.own(CLONE_NEWUSER) && map.uids == in.config.linux.uid_mappings &&
                                    map.gids == in.config.linux.gid_mappings);
  map.origin = origin;
  out.id_map = std::move(map);
}

}  // namespace ocx::runtime
