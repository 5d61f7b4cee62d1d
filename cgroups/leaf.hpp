// Cgroups below the container's own, on version 2, that annotations ask for: the container lives in them, the
// limits stay with the outer one.
//
//   <container's cgroup>              limits; what ocx freezes, kills, watches and removes
//   └── run.oci.systemd.subgroup      init starts here, so a cgroup namespace begins here
//       └── run.oci.delegate-cgroup   the container's user's own; init moves here once it has its namespace
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace ocx::cgroups {

struct Leaves {
  std::string subgroup, delegated;  // one name each; empty: none
};

inline constexpr const char* subgroup_annotation = "run.oci.systemd.subgroup";
inline constexpr const char* delegate_annotation = "run.oci.delegate-cgroup";

/// From the annotations. An empty subgroup is none. Throws invalid_config, at the annotation, for what is not
/// the name of one cgroup. Not on pure v2: none, with a warning.
Leaves leaves_of(const std::map<std::string, std::string>& annotations, bool pure_v2);

/// Where init is put: the subgroup, or without one the container's cgroup itself.
std::string place_of_init(const std::string& directory, const Leaves& leaves);

/// Makes the subgroup, if there is to be one, in the existing container's cgroup.
void make_subgroup(const std::string& directory, const Leaves& leaves);

/// Hands all controllers of a cgroup without processes down to those below it.
void hand_down_controllers(const std::string& directory);

/// Makes the delegated leaf, moves what is in init's place into it, and gives it to `owner`, a user of the
/// host.
void delegate_leaf(const std::string& directory, const Leaves& leaves, uid_t owner);

}  // namespace ocx::cgroups
