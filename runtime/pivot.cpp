#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/devices.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/mount.hpp"
#include "sys/process.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

sys::UniqueFd open_root() {
  return sys::openat(sys::FdRef::cwd(), "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

bool masks_anything(const Plan& plan) {
  return std::any_of(plan.enter.begin(), plan.enter.end(), [](const InitStep& step) {
    return std::holds_alternative<step::MaskedPath>(step.action);
  });
}

// pivot_root(".", ".") puts the old root on top of the new one, at the same place (pivot_root(2), NOTES). The
// old root is left by its own descriptor: "." would still be the new one.
void pivot(InitContext& context) {
  sys::UniqueFd old_root = open_root();
  sys::fchdir(context.root);
  sys::pivot_root(".", ".");
  sys::fchdir(old_root);
  // Were it shared, the host would lose its mounts with us.
  if (int error = set_propagation(context, old_root, MS_SLAVE | MS_REC); error != 0)
    throw_errno("detach the old root from the host's propagation", error);
  sys::umount2(".", MNT_DETACH);
}

// "/" may show the spaces of mountinfo as \040 and the like.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3';
    if (!escaped) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return plain;
}

// Mount points of the kernel's own file systems outside the new root, the innermost (last made) first.
std::vector<std::string> kernel_trees(const InitContext& context) {
  const std::string self = context.proc_self.empty() ? "self" : context.proc_self;
  const std::string inside = context.plan.rootfs + "/";
  std::vector<std::string> found;
  for (const std::string& line : sys::split(context.proc.read(self + "/mountinfo"), '\n')) {
    const std::size_t dash = line.find(" - ");
    const std::vector<std::string> fields = sys::split(line, ' ');
    if (dash == std::string::npos || fields.size() < 5) continue;
    const std::string type = line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3);
    if (type != "proc" && type != "sysfs") continue;
    std::string point = unescape(fields[4]);
    if (point != context.plan.rootfs && !point.starts_with(inside)) found.push_back(std::move(point));
  }
  std::reverse(found.begin(), found.end());
  return found;
}

// Without pivot_root the host's mounts stay below the new root. Unreachable by path, an unmasked procfs or
// sysfs among them would still let a user namespace of the container mount a new one (mount_too_revealing):
// they go, or are covered.
void hide_kernel_trees(const InitContext& context) {
  for (const std::string& point : kernel_trees(context)) {
    sys::FdResult fd =
        sys::try_openat(sys::FdRef::cwd(), point, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (!fd) continue;  // below another one that is covered by now
    set_propagation(context, fd.fd, MS_SLAVE | MS_REC);
    fd.fd.reset();
    int error = sys::try_umount2(point, MNT_DETACH);
    if (error == 0) continue;
    // EINVAL, EPERM: locked, it came from a more privileged mount namespace.
    if (error != EINVAL && error != EPERM) throw_errno("umount2 " + sys::quote(point), error);
    if (error = sys::try_mount("tmpfs", point, "tmpfs", 0, ""); error != 0)
      throw_errno("cover " + sys::quote(point), error);
  }
}

void move(InitContext& context) {
  hide_kernel_trees(context);
  sys::fchdir(context.root);
  if (int error = sys::try_mount(".", "/", "", MS_MOVE, ""); error != 0)
    throw_errno("move the root file system to \"/\"", error);
  sys::chroot(".");
}

}  // namespace

void execute(InitContext& context, const step::EnterRoot& step) {
  // A descriptor the parent opened is on a mount of the host's namespace, which nothing can be bound from;
  // the clone is free.
  if (masks_anything(context.plan)) context.dev_null = clone_null_device();
  switch (step.method) {
    case step::RootMethod::pivot:
      pivot(context);
      break;
    case step::RootMethod::move:
      move(context);
      break;
    case step::RootMethod::chroot:
      sys::fchdir(context.root);
      sys::chroot(".");
      break;
  }
  sys::chdir("/");
  context.root = open_root();
}

void execute(InitContext& context, const step::RootfsPropagation& step) {
  if (int error = set_propagation(context, context.root, step.flags); error != 0)
    throw_errno("change the propagation of the container's \"/\"", error);
}

}  // namespace ocx::runtime
