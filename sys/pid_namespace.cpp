#include "sys/pid_namespace.hpp"

#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

struct Namespace {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Namespace&) const = default;
};

Namespace identity(FdRef fd) {
  const struct ::stat info = fstat(fd);
  return {info.st_dev, info.st_ino};
}

FdResult open_namespace(const std::string& pid) {
  return try_openat(FdRef::cwd(), "/proc/" + pid + "/ns/pid", O_RDONLY);
}

/// pid_namespaces(7): they nest, and NS_GET_PARENT ends (EPERM) at the caller's own.
bool is_inside(UniqueFd current, const Namespace& wanted, const Namespace& own) {
  while (current) {
    const Namespace here = identity(current);
    if (here == wanted) return true;
    if (here == own) return false;
    current = UniqueFd(::ioctl(current.ref().raw(), NS_GET_PARENT));
  }
  return false;
}

}  // namespace

std::vector<int> pid_namespace_members(int pid) {
  const FdResult wanted_file = open_namespace(std::to_string(pid)), own_file = open_namespace("self");
  if (!wanted_file || !own_file) return {};
  const Namespace wanted = identity(wanted_file.fd), own = identity(own_file.fd);
  std::vector<int> members;
  for (const std::string& name : list_directory(openat(FdRef::cwd(), "/proc", O_RDONLY | O_DIRECTORY))) {
    const auto number = parse_uint(name);
    if (!number) continue;
    FdResult file = open_namespace(name);
    if (file && is_inside(std::move(file.fd), wanted, own)) members.push_back(static_cast<int>(*number));
  }
  std::sort(members.begin(), members.end());
  return members;
}

}  // namespace ocx::sys
