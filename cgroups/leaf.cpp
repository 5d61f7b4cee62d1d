#include "cgroups/leaf.hpp"

#include <algorithm>
#include <cerrno>

#include "cgroups/delegation.hpp"
#include "cgroups/subtree_control.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();
constexpr std::size_t longest_name = 255;

std::string origin_of(const char* annotation) {
  return std::string("/annotations/") + annotation;
}

std::string checked(const std::string& name, const char* annotation) {
  const bool is_name = name.find('/') == std::string::npos && name.find('\0') == std::string::npos &&
                       name != "." && name != ".." && name.size() <= longest_name &&
                       !name.starts_with("cgroup.");
  if (is_name) return name;
  throw Error(std::string(annotation) + " " + sys::quote(name) + " is not the name of one cgroup",
              ErrorKind::invalid_config)
      .at(origin_of(annotation))
      .hint("give a single name, without slashes, that does not begin with \"cgroup.\"");
}

void make_child(const std::string& path, const char* annotation) {
  const int error_number = sys::try_mkdirat(here, path, 0755);
  if (error_number != 0 && error_number != EEXIST)
    throw Error::from_errno("mkdir " + sys::quote(path), error_number).at(origin_of(annotation));
}

/// As often as there are any: a process may fork while it is moved.
void move_processes(const std::string& from, const std::string& to) {
  for (;;) {
    const std::string members = sys::read_file(here, from + "/cgroup.procs");
    if (members.empty()) return;
    for (const std::string& pid : sys::split(members, '\n')) {
      if (pid.empty()) continue;
      const int error_number = sys::try_write_file(here, to + "/cgroup.procs", pid);
      if (error_number == 0 || error_number == ESRCH) continue;
      throw Error::from_errno("write " + pid + " to " + sys::quote(to + "/cgroup.procs"), error_number)
          .at(origin_of(delegate_annotation));
    }
  }
}

}  // namespace

Leaves leaves_of(const std::map<std::string, std::string>& annotations, bool pure_v2) {
  const auto value = [&](const char* annotation) {
    const auto found = annotations.find(annotation);
    const std::string name = found == annotations.end() ? "" : checked(found->second, annotation);
    if (name.empty() || pure_v2) return name;
    sys::log_warning(std::string(annotation) + " needs a host with cgroup v2 alone (" +
                     origin_of(annotation) + "), ignoring");
    return std::string();
  };
  return {value(subgroup_annotation), value(delegate_annotation)};
}

std::string place_of_init(const std::string& directory, const Leaves& leaves) {
  return leaves.subgroup.empty() ? directory : directory + "/" + leaves.subgroup;
}

void make_subgroup(const std::string& directory, const Leaves& leaves) {
  if (!leaves.subgroup.empty()) make_child(place_of_init(directory, leaves), subgroup_annotation);
}

void hand_down_controllers(const std::string& directory) {
  // One step of enable_controllers(): from the directory itself to a child of any name.
  enable_controllers(directory, directory + "/x");
}

void delegate_leaf(const std::string& directory, const Leaves& leaves, uid_t owner) {
  const std::string place = place_of_init(directory, leaves), leaf = place + "/" + leaves.delegated;
  make_child(leaf, delegate_annotation);
  move_processes(place, leaf);
  hand_down_controllers(place);
  give_away(leaf, owner);
}

}  // namespace ocx::cgroups
