#include "cgroups/path.hpp"

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr const char* origin = "/linux/cgroupsPath";

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

/// The runtime's cgroup as seen below the mount point. The mount may show only a part of the hierarchy (its
/// root is not "/", as in a container), and a cgroup outside of the namespace or of the mount ("/../x") has
/// no name there.
std::string own_path_in_mount(const Hierarchies::Hierarchy& hierarchy) {
  const std::string& own = hierarchy.own_path;
  if (own.rfind("/..", 0) == 0 || !is_below(own, hierarchy.mount_root)) return "/";
  const std::size_t skip = hierarchy.mount_root == "/" ? 0 : hierarchy.mount_root.size();
  return sys::clean_path(own.substr(skip));
}

Error invalid(const std::string& path, const std::string& why) {
  Error error("cgroups path " + sys::quote(path) + " " + why, ErrorKind::invalid_config);
  error.at(origin);
  return error;
}

}  // namespace

bool is_below(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return !path.empty() && path.front() == '/';
  return path.substr(0, ancestor.size()) == ancestor &&
         (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

std::string container_directory(const Hierarchies::Hierarchy& hierarchy,
                                const std::optional<std::string>& cgroups_path, const std::string& id) {
  const bool given = cgroups_path && !cgroups_path->empty();
  const std::string& name = given ? *cgroups_path : id;
  if (given && name.front() == '/') return sys::clean_path(hierarchy.mount_point + "/" + name);
  const std::string own = own_path_in_mount(hierarchy);
  const std::string& base = hierarchy.v2 ? parent_of(own) : own;
  return sys::clean_path(hierarchy.mount_point + "/" + base + "/" + name);
}

void check_cgroups_path(const std::string& cgroups_path) {
  if (cgroups_path.empty()) return;  // as absent: engines write it so
  if (cgroups_path.find('\0') != std::string::npos) throw invalid(cgroups_path, "contains a NUL byte");
  for (const std::string& component : sys::split(cgroups_path, '/'))
    if (component == "..") throw invalid(cgroups_path, "contains \"..\"");
  if (sys::clean_path("/" + cgroups_path) == "/") throw invalid(cgroups_path, "is the root of the hierarchy");
}

}  // namespace ocx::cgroups
