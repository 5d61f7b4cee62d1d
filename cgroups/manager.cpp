#include "cgroups/manager.hpp"

#include "cgroups/disabled.hpp"
#include "cgroups/drivers.hpp"
#include "cgroups/path.hpp"
#include "cgroups/systemd.hpp"
#include "cgroups/v1.hpp"
#include "cgroups/v2.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {
namespace {

Tree tree_in(const Hierarchies::Hierarchy& hierarchy, bool pure_v2,
             const std::optional<std::string>& cgroups_path, const std::string& id) {
  Tree tree{hierarchy.controllers, hierarchy.mount_point, container_directory(hierarchy, cgroups_path, id),
            hierarchy.v2};
  if (hierarchy.v2) tree.controllers = {pure_v2 ? "" : "unified"};
  return tree;
}

}  // namespace

std::unique_ptr<Manager> make_cgroupfs_manager(const Hierarchies& hierarchies,
                                               const std::optional<std::string>& cgroups_path,
                                               const std::string& id, bool rootless, const Leaves& leaves) {
  if (cgroups_path) check_cgroups_path(*cgroups_path);
  const bool given = cgroups_path && !cgroups_path->empty();
  const bool optional = rootless && !given;
  std::vector<Tree> trees;
  for (const Hierarchies::Hierarchy& hierarchy : hierarchies.all)
    trees.push_back(tree_in(hierarchy, hierarchies.pure_v2(), cgroups_path, id));
  if (hierarchies.pure_v2()) return std::make_unique<V2Manager>(std::move(trees), optional, leaves);
  if (!trees.empty()) return std::make_unique<V1Manager>(std::move(trees), optional);
  if (given)
    throw Error("no cgroup file system is mounted", ErrorKind::unsupported)
        .at("/linux/cgroupsPath")
        .hint("mount one, or use --cgroup-manager disabled");
  return std::make_unique<DisabledManager>();
}

std::string path_key(const Hierarchies& hierarchies, const Hierarchies::Hierarchy& hierarchy) {
  if (!hierarchy.v2) return hierarchy.controllers.front();
  return hierarchies.pure_v2() ? "" : "unified";
}

std::unique_ptr<Manager> make_manager(const Request& request) {
  if (request.driver == Driver::disabled) return std::make_unique<DisabledManager>();
  if (request.driver == Driver::systemd)
    return std::make_unique<SystemdManager>(request, detect_hierarchies());
  const Hierarchies hierarchies = detect_hierarchies();
  return make_cgroupfs_manager(hierarchies, request.cgroups_path, request.id, request.rootless,
                               leaves_of(request.annotations, hierarchies.pure_v2()));
}

std::unique_ptr<Manager> open_manager(Driver driver, const Paths& paths, const std::vector<std::string>& made,
                                      const std::string& unit) {
  if (driver == Driver::disabled || paths.empty()) return std::make_unique<DisabledManager>();
  if (driver == Driver::systemd) return std::make_unique<SystemdManager>(paths, made, unit);
  if (paths.contains("")) return std::make_unique<V2Manager>(paths, made);
  return std::make_unique<V1Manager>(paths, made);
}

}  // namespace ocx::cgroups
