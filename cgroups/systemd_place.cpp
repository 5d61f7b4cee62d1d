#include "cgroups/systemd_place.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "cgroups/path.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// The v1 hierarchies systemd makes cgroups in (systemd.resource-control(5)).
constexpr const char* managed[] = {"name=systemd", "cpu", "cpuacct", "memory", "blkio", "pids", "devices"};

bool is_managed(const Tree& tree) {
  return tree.v2 || std::any_of(std::begin(managed), std::end(managed),
                                [&](const char* controller) { return tree.has(controller); });
}

std::string read_proc(const char* path) {
  return sys::read_file_if_any(sys::FdRef::cwd(), path).value_or("");
}

/// The first numbers of /proc/self/uid_map: inside, outside, size.
std::vector<std::string> first_mapping() {
  const std::string map = read_proc("/proc/self/uid_map");
  std::vector<std::string> words = sys::split(map.substr(0, map.find('\n')), ' ');
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

/// The caller's user id outside of its user namespace, if that is mapped.
unsigned outer_uid() {
  const auto words = first_mapping();
  if (words.size() != 3 || words[0] != std::to_string(::geteuid())) return ::geteuid();
  return static_cast<unsigned>(sys::parse_uint(words[1]).value_or(::geteuid()));
}

/// The path of a process in the hierarchy that systemd itself lives in, from /proc/PID/cgroup.
std::string systemd_path(const std::string& memberships) {
  std::string found;
  for (const std::string& line : sys::split(memberships, '\n')) {
    const std::size_t name = line.find(':');
    const std::size_t path = name == std::string::npos ? name : line.find(':', name + 1);
    if (path == std::string::npos) continue;
    const std::string controllers = line.substr(name + 1, path - name - 1);
    if (controllers == "name=systemd") return line.substr(path + 1);
    if (controllers.empty()) found = line.substr(path + 1);
  }
  return found;
}

std::string manager_cgroup(bool user_manager) {
  if (user_manager) return user_manager_cgroup(systemd_path(read_proc("/proc/self/cgroup")), outer_uid());
  return system_manager_cgroup(systemd_path(read_proc("/proc/1/cgroup")));
}

}  // namespace

bool has_user_manager() {
  return ::geteuid() != 0 || first_mapping() != std::vector<std::string>{"0", "0", "4294967295"};
}

std::string predicted_cgroup(const SystemdUnit& unit, bool user_manager) {
  return manager_cgroup(user_manager) + unit_directory(unit);
}

std::vector<Tree> trees_at(const Hierarchies& hierarchies, const std::string& cgroup) {
  std::vector<Tree> trees;
  for (const Hierarchies::Hierarchy& hierarchy : hierarchies.all) {
    const bool partial = hierarchy.mount_root != "/" && is_below(cgroup, hierarchy.mount_root);
    const std::string below = partial ? cgroup.substr(hierarchy.mount_root.size()) : cgroup;
    Tree tree{hierarchy.controllers, hierarchy.mount_point,
              sys::clean_path(hierarchy.mount_point + "/" + below), hierarchy.v2};
    if (hierarchy.v2) tree.controllers = {hierarchies.pure_v2() ? "" : "unified"};
    trees.push_back(std::move(tree));
  }
  return trees;
}

Paths paths_of(const std::vector<Tree>& trees) {
  Paths paths;
  for (const Tree& tree : trees)
    for (const std::string& controller : tree.controllers) paths[controller] = tree.directory;
  return paths;
}

std::vector<std::string> removable(const std::vector<Tree>& trees) {
  std::vector<std::string> directories;
  for (const Tree& tree : trees) {
    if (!is_managed(tree))
      for (std::string& parent : missing_directories(tree.mount_point, tree.directory))
        if (parent != tree.directory) directories.push_back(std::move(parent));
    directories.push_back(tree.directory);
  }
  return directories;
}

}  // namespace ocx::cgroups
