#include "cgroups/members.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cgroups/tree_manager.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/kernel_file.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

/// Below the usual soft limit of 1024 descriptors.
constexpr std::size_t handles_at_once = 256;

struct Member {
  int pid = 0;
  sys::UniqueFd pidfd;
};

/// Child cgroups. kernfs counts subdirectories in st_nlink, so that most directories need not be listed.
std::vector<std::string> children_of(sys::FdRef directory) {
  if (sys::fstat(directory).st_nlink <= 2) return {};
  std::vector<std::string> children;
  for (std::string& name : sys::list_directory(directory)) {
    const auto status = sys::fstatat(directory, name, AT_SYMLINK_NOFOLLOW);
    if (status && S_ISDIR(status->st_mode)) children.push_back(std::move(name));
  }
  return children;
}

using Visit = std::function<void(sys::FdRef parent, const std::string& name)>;

/// Visits every descendant, children before their parents. Holds one descriptor and no stack frame a level:
/// the payload decides how deep the tree is. ".." is safe here, cgroups can't be moved to another parent.
void for_each_descendant(sys::UniqueFd current, const Visit& visit) {
  std::vector<std::vector<std::string>> pending = {children_of(current)};
  while (true) {
    if (!pending.back().empty()) {
      sys::FdResult child =
          sys::try_openat(current, pending.back().back(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!child) {
        pending.back().pop_back();
        continue;
      }
      current = std::move(child.fd);
      pending.push_back(children_of(current));
      continue;
    }
    pending.pop_back();
    if (pending.empty()) return;
    current = sys::openat(current, "..", O_RDONLY | O_DIRECTORY);
    visit(current, pending.back().back());
    pending.back().pop_back();
  }
}

/// cgroup.procs can't be read in a threaded v2 cgroup (EOPNOTSUPP: its processes are listed by the domain
/// above) nor in one that is being removed (ENODEV).
void append_members(sys::FdRef directory, const std::string& path, std::vector<int>& pids) {
  const sys::FdResult file = sys::try_openat(directory, path, O_RDONLY);
  if (!file) return;
  std::string text;
  try {
    text = sys::read_all(file.fd);
  } catch (const Error& error) {
    if (error.error_number() == EOPNOTSUPP || error.error_number() == ENODEV) return;
    throw;
  }
  for (const std::string& line : sys::split(text, '\n')) {
    const auto pid = sys::parse_int(line);
    if (pid && *pid > 0) pids.push_back(static_cast<int>(*pid));  // 0: of another pid namespace
  }
}

void append_tree(const std::string& path, std::vector<int>& pids) {
  sys::FdResult directory = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY);
  if (!directory) return;
  append_members(directory.fd, "cgroup.procs", pids);
  for_each_descendant(std::move(directory.fd), [&](sys::FdRef parent, const std::string& name) {
    append_members(parent, name + "/cgroup.procs", pids);
  });
}

/// Handles of the processes of a snapshot that are still members once their handles are open.
std::vector<Member> open_members(const std::vector<std::string>& directories, const int* first,
                                 const int* last) {
  std::vector<Member> opened;
  for (; first != last; ++first)
    if (auto pidfd = sys::try_pidfd_open(*first)) opened.push_back({*first, std::move(*pidfd)});
  const std::vector<int> now = members_of(directories);
  std::vector<Member> verified;
  for (Member& member : opened)
    if (std::binary_search(now.begin(), now.end(), member.pid)) verified.push_back(std::move(member));
  return verified;
}

template <typename Action>
bool for_each_member(const std::vector<std::string>& directories, Action action) {
  const std::vector<int> pids = members_of(directories);
  for (std::size_t begin = 0; begin < pids.size(); begin += handles_at_once) {
    const std::size_t end = std::min(begin + handles_at_once, pids.size());
    for (const Member& member : open_members(directories, pids.data() + begin, pids.data() + end))
      if (!action(member)) return false;
  }
  return true;
}

/// A cgroup that was removed under way (ENODEV) is empty.
bool is_populated(const sys::KernelFile& events) {
  try {
    return flat_value(events.read(), "populated") != 0;
  } catch (const Error& error) {
    if (error.error_number() == ENODEV) return false;
    throw;
  }
}

}  // namespace

std::vector<int> members_of(const std::vector<std::string>& directories) {
  std::vector<int> pids;
  for (const std::string& directory : directories) append_tree(directory, pids);
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

void signal_members(const std::vector<std::string>& directories, int signal) {
  for_each_member(directories, [&](const Member& member) {
    sys::pidfd_send_signal(member.pidfd, signal);
    return true;
  });
}

bool wait_for_members(const std::vector<std::string>& directories, const sys::Deadline& deadline) {
  return for_each_member(directories, [&](const Member& member) {
    return sys::pidfd_wait(member.pidfd, deadline.remaining_ms());
  });
}

bool wait_until_unpopulated(const std::string& directory, const sys::Deadline& deadline) {
  sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), directory + "/cgroup.events", O_RDONLY);
  if (!opened) return true;
  const sys::KernelFile events(std::move(opened.fd));
  while (is_populated(events))
    if (!events.wait_for_change(deadline.remaining_ms())) return false;
  return true;
}

void remove_descendants(const std::string& directory) {
  sys::FdResult top = sys::try_openat(sys::FdRef::cwd(), directory, O_RDONLY | O_DIRECTORY);
  if (!top) return;
  for_each_descendant(std::move(top.fd), [](sys::FdRef parent, const std::string& name) {
    sys::try_unlinkat(parent, name, AT_REMOVEDIR);
  });
}

}  // namespace ocx::cgroups
