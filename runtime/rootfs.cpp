#include <cerrno>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/mount.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// Nobody but the caller is told of what is mounted there. A descriptor somewhere in a mount is not enough for
// the kernel, it wants its root: hence the way up. ".." crosses into the parent mount only from there, where
// the loop has ended.
void make_holding_mount_private(const InitContext& context, const std::string& path) {
  sys::UniqueFd at = sys::openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  for (;;) {
    int error = set_propagation(context, at, MS_PRIVATE);
    if (error == 0) return;
    if (error != EINVAL) throw_errno("make the mount that holds " + sys::quote(path) + " private", error);
    sys::UniqueFd up = sys::openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const struct ::stat here = sys::fstat(at), above = sys::fstat(up);
    if (here.st_dev == above.st_dev && here.st_ino == above.st_ino)
      throw Error("the mount that holds " + sys::quote(path) +
                  " is not visible: its root is outside of \"/\"");
    at = std::move(up);
  }
}

// Linux before 5.2.
sys::UniqueFd bind_classic(const std::string& path) {
  if (int error = sys::try_mount(path, path, "", MS_BIND | MS_REC, ""); error != 0)
    throw_errno("bind " + sys::quote(path) + " onto itself", error);
  return sys::openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

RootPlace open_place(const std::string& path) {
  sys::FdResult place = sys::try_openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (place.error_number == EACCES)
    return {"/", sys::openat(sys::FdRef::cwd(), "/", O_PATH | O_DIRECTORY | O_CLOEXEC), {}};
  if (!place) throw_errno("open root file system " + sys::quote(path), place.error_number);
  return {path, std::move(place.fd), {}};
}

sys::UniqueFd open_content(InitContext& context, const std::string& path) {
  sys::FdResult directory = sys::try_openat(sys::FdRef::cwd(), path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory.error_number == EACCES) return context.channel.request_tree(path, false);
  if (!directory) throw_errno("open root file system " + sys::quote(path), directory.error_number);
  return std::move(directory.fd);
}

sys::UniqueFd clone_detached(const std::string& path) {
  sys::FdResult tree = sys::try_open_tree(sys::FdRef::cwd(), path, OPEN_TREE_CLONE | AT_RECURSIVE);
  if (!tree) throw_errno("open_tree " + sys::quote(path), tree.error_number);
  // As a peer of the host's mount it would hand on what is mounted there.
  if (int error = sys::try_mount_setattr(tree.fd, true, 0, 0, MS_PRIVATE); error != 0)
    throw_errno("make a copy of " + sys::quote(path) + " private", error);
  // Cloning a detached tree came with mounting into one: this asks for the latter. Can go with Linux 6.14.
  if (!sys::try_open_tree(tree.fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH))
    throw Error("mounts without a mount namespace of the container's own need Linux 6.15",
                ErrorKind::unsupported)
        .hint("add {\"type\": \"mount\"} to linux.namespaces");
  return std::move(tree.fd);
}

}  // namespace

// A path that ends in ".." crosses into what is mounted on "/", "/" alone does not.
sys::UniqueFd RootPlace::reopen() const {
  return sys::openat(sys::FdRef::cwd(), path == "/" ? "/.." : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void execute(InitContext& context, const step::RootPropagation& step) {
  sys::UniqueFd root = sys::openat(sys::FdRef::cwd(), "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int error = set_propagation(context, root, step.flags);
  // "/" of a chroot is no mount's root.
  if (error != 0) throw_errno("change the propagation of \"/\"", error);
}

void execute(InitContext& context, const step::AttachRootfs& step) {
  if (step.detached) {
    context.root = clone_detached(step.path);
    return;
  }
  if (!step.bind) {
    context.root = sys::openat(sys::FdRef::cwd(), step.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return;
  }
  if (step.parent_private) make_holding_mount_private(context, step.path);
  sys::FdResult tree = sys::try_open_tree(sys::FdRef::cwd(), step.path, OPEN_TREE_CLONE | AT_RECURSIVE);
  if (tree.error_number == ENOSYS) {
    context.root = bind_classic(step.path);
    return;
  }
  if (tree.error_number == EACCES) tree = {context.channel.request_tree(step.path, true), 0};
  if (!tree) throw_errno("open_tree " + sys::quote(step.path), tree.error_number);
  sys::move_mount(tree.fd, open_place(step.path).target);
  context.root = std::move(tree.fd);
}

void execute(InitContext& context, const step::MountRoot& step) {
  if (step.parent_private) make_holding_mount_private(context, step.path);
  RootPlace place = open_place(step.path);
  if (step.mount.options.tmpcopyup) place.content = open_content(context, step.path);
  context.root = step.mount.kind == step::Mount::Kind::bind
                     ? bind_root(context, step.mount, place)
                     : mount_root_filesystem(context, step.mount, place);
}

}  // namespace ocx::runtime
