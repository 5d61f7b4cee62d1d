#include "cgroups/detect.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cgroups/path.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// One line of /proc/self/cgroup: `4:memory:/a/b`, `9:name=systemd:/`, `0::/a` (v2).
struct Membership {
  std::vector<std::string> controllers;  // empty: v2
  std::string path;
};

std::vector<Membership> parse_memberships(std::string_view text) {
  std::vector<Membership> result;
  for (const std::string& line : sys::split(text, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    result.push_back(
        {names.empty() ? std::vector<std::string>{} : sys::split(names, ','), line.substr(second + 1)});
  }
  return result;
}

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

struct CgroupMount {
  std::string root, mount_point;
  std::vector<std::string> options;  // of the superblock: the controllers are among them
  bool v2 = false;
};

std::vector<CgroupMount> parse_mounts(std::string_view mountinfo) {
  std::vector<CgroupMount> result;
  for (const std::string& line : sys::split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = sys::split(std::string_view(line).substr(0, dash), ' ');
    const auto right = sys::split(std::string_view(line).substr(dash + 3), ' ');
    if (left.size() < 6 || right.size() < 3 || (right[0] != "cgroup" && right[0] != "cgroup2")) continue;
    result.push_back({unescape_mount_path(left[3]), unescape_mount_path(left[4]), sys::split(right[2], ','),
                      right[0] == "cgroup2"});
  }
  return result;
}

bool shows(const CgroupMount& mount, const Membership& membership) {
  if (membership.controllers.empty()) return mount.v2;
  const std::string& any = membership.controllers.front();
  return !mount.v2 && std::find(mount.options.begin(), mount.options.end(), any) != mount.options.end();
}

const CgroupMount* find_mount(const std::vector<CgroupMount>& mounts, const Membership& membership) {
  const CgroupMount* found = nullptr;
  for (const CgroupMount& mount : mounts) {
    if (!shows(mount, membership)) continue;
    if (is_below(membership.path, mount.root)) return &mount;
    if (found == nullptr) found = &mount;
  }
  return found;
}

}  // namespace

std::string unescape_mount_path(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view self_cgroup) {
  const std::vector<CgroupMount> mounts = parse_mounts(mountinfo);
  Hierarchies result;
  for (const Membership& membership : parse_memberships(self_cgroup))
    if (const CgroupMount* mount = find_mount(mounts, membership))
      result.all.push_back(
          {membership.controllers, mount->mount_point, membership.path, mount->root, mount->v2});
  return result;
}

Hierarchies detect_hierarchies() {
  const auto read = [](const char* path) {
    return sys::read_file_if_any(sys::FdRef::cwd(), path).value_or("");
  };
  return parse_hierarchies(read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
}

}  // namespace ocx::cgroups
