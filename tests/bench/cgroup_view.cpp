#include "tests/bench/cgroup_view.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace ocx::bench {
namespace {

constexpr const char* top = "/sys/fs/cgroup";

void check(int result, const std::string& what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

std::vector<std::string> version_1_mounts() {
  std::vector<std::string> found;
  std::ifstream table("/proc/self/mounts");
  for (std::string line, source, target, type; std::getline(table, line);) {
    std::istringstream(line) >> source >> target >> type;
    if (type == "cgroup" && target.rfind(std::string(top) + "/", 0) == 0) found.push_back(target);
  }
  return found;
}

}  // namespace

std::vector<std::string> enter_cgroup_view() {
  check(unshare(CLONE_NEWNS), "unshare(CLONE_NEWNS)");
  check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make / private");
  const std::vector<std::string> mounts = version_1_mounts();
  if (mounts.empty()) return {};
  std::vector<int> trees;
  for (const std::string& path : mounts) {
    trees.push_back(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    check(trees.back(), "open_tree " + path);
  }
  check(umount2(top, MNT_DETACH), std::string("umount ") + top);
  check(mount("tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755"),
        std::string("mount tmpfs on ") + top);
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    check(mkdir(mounts[i].c_str(), 0755), "mkdir " + mounts[i]);
    check(move_mount(trees[i], "", AT_FDCWD, mounts[i].c_str(), MOVE_MOUNT_F_EMPTY_PATH),
          "move_mount " + mounts[i]);
    close(trees[i]);
  }
  return mounts;
}

}  // namespace ocx::bench
