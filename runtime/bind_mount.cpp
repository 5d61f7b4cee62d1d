#include <cerrno>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// Flags the caller's user namespace may not take from a mount it got from a more privileged one
// (mount_namespaces(7), "locked").
Error locked_error(const step::Mount& mount, sys::FdRef tree, const spec::MountAttributes& wanted) {
  const std::uint64_t now = sys::mount_attributes(tree);
  std::uint64_t kept = wanted.clear & now & ~std::uint64_t{MOUNT_ATTR__ATIME};
  const bool atime = (wanted.clear & MOUNT_ATTR__ATIME) != 0 &&
                     (now & MOUNT_ATTR__ATIME) != (wanted.set & MOUNT_ATTR__ATIME);
  if (atime) kept |= now & MOUNT_ATTR__ATIME;
  std::string names = sys::mount_attribute_names(kept);
  if (names.empty()) names = atime ? "MS_RELATIME" : "of a mount below";
  return mount_error(mount, "cannot clear locked flags [" + names + "] of the source", EPERM);
}

// Sets what the options ask for on the detached clone. mount_setattr(2) leaves alone what is not named, so
// flags the source has locked stay by themselves. False: the kernel lacks mount_setattr (before Linux 5.12),
// do it once attached.
bool set_detached_attributes(const step::Mount& mount, sys::FdRef tree) {
  const spec::MountAttributes* both[] = {&mount.options.attributes, &mount.options.recursive_attributes};
  for (const spec::MountAttributes* wanted : both) {
    if (wanted->empty()) continue;
    const bool recursive = wanted == &mount.options.recursive_attributes;
    int error = sys::try_mount_setattr(tree, recursive, wanted->set, wanted->clear);
    if (error == ENOSYS) return false;
    if (error == EPERM && wanted->clear != 0) throw locked_error(mount, tree, *wanted);
    if (error != 0)
      throw mount_error(mount, recursive ? "mount_setattr AT_RECURSIVE" : "mount_setattr", error);
  }
  return true;
}

void set_classic_attributes(const InitContext& context, const step::Mount& mount, sys::FdRef attached) {
  if (!mount.options.recursive_attributes.empty())
    throw mount_error(mount, "recursive mount attributes need Linux 5.12", ENOSYS);
  int error = set_attributes(context, attached, mount.options.attributes);
  if (error == EPERM && mount.options.attributes.clear != 0)
    throw locked_error(mount, attached, mount.options.attributes);
  if (error != 0) throw mount_error(mount, "change flags", error);
}

// The optimistic order: a mount point is nearly always there, then nobody has to know what the source is.
sys::UniqueFd open_bind_target(const InitContext& context, const step::Mount& mount, sys::FdRef source) {
  const int flags = O_PATH | (mount.options.dest_nofollow ? O_NOFOLLOW : 0);
  sys::FdResult target = sys::try_open_in_root(context.root, mount.target, flags);
  if (target.error_number == ENOENT) return open_target(context, mount, !S_ISDIR(sys::fstat(source).st_mode));
  if (!target) throw mount_error(mount, "open mount point " + sys::quote(mount.target), target.error_number);
  return std::move(target.fd);
}

// crun's copy-symlink: a source that is a link is made again instead of mounted.
bool copy_link(const InitContext& context, const step::Mount& mount) {
  std::optional<struct ::stat> info = sys::fstatat(sys::FdRef::cwd(), mount.source, AT_SYMLINK_NOFOLLOW);
  if (!info || !S_ISLNK(info->st_mode)) return false;
  const std::string text = sys::readlinkat(sys::FdRef::cwd(), mount.source);
  sys::Parent parent = sys::open_parent_in_root(context.root, mount.target);
  int error = sys::try_symlinkat(text, parent.directory, parent.name);
  if (error == EEXIST) {
    std::optional<struct ::stat> there = sys::fstatat(parent.directory, parent.name, AT_SYMLINK_NOFOLLOW);
    if (there && S_ISLNK(there->st_mode) && sys::readlinkat(parent.directory, parent.name) == text)
      return true;
  }
  if (error != 0) throw mount_error(mount, "symlinkat", error);
  return true;
}

std::optional<sys::UniqueFd> clone_or_map(InitContext& context, const step::Mount& mount) {
  if (mount.id_map) return context.channel.request_idmapped(mount.origin);
  return clone_source(context, mount, mount.source, mount.options.recursive_bind);
}

// Linux before 5.2.
sys::UniqueFd bind_root_classic(InitContext& context, const step::Mount& mount, const RootPlace& place) {
  const int nofollow = mount.options.src_nofollow ? O_NOFOLLOW : 0;
  sys::FdResult source = sys::try_openat(sys::FdRef::cwd(), mount.source, O_PATH | O_CLOEXEC | nofollow);
  if (!source) throw mount_error(mount, "open " + sys::quote(mount.source), source.error_number);
  int error = try_bind_on(context, source.fd, place.target, mount.options.recursive_bind);
  if (error != 0) throw mount_error(mount, "", error);
  return place.reopen();
}

// Linux before 5.2.
void bind_classic(InitContext& context, const step::Mount& mount) {
  const int nofollow = mount.options.src_nofollow ? O_NOFOLLOW : 0;
  sys::FdResult source = sys::try_openat(sys::FdRef::cwd(), mount.source, O_PATH | O_CLOEXEC | nofollow);
  if (!source) throw mount_error(mount, "open " + sys::quote(mount.source), source.error_number);
  sys::UniqueFd target = open_bind_target(context, mount, source.fd);
  check_place(mount, target, source.fd.ref());
  if (int error = try_bind_on(context, source.fd, target, mount.options.recursive_bind); error != 0)
    throw mount_error(mount, "", error);
  sys::UniqueFd top = reopen_target(context, mount, target);
  const struct ::stat wanted = sys::fstat(source.fd), found = sys::fstat(top);
  if (wanted.st_dev != found.st_dev || wanted.st_ino != found.st_ino)
    throw mount_error(mount, "the mount point was exchanged meanwhile", EAGAIN);
  set_classic_attributes(context, mount, top);
  apply_propagation(context, mount, top);
}

}  // namespace

std::optional<sys::UniqueFd> clone_source(InitContext& context, const step::Mount& mount,
                                          const std::string& source, bool recursive) {
  const unsigned flags = OPEN_TREE_CLONE | (recursive ? unsigned{AT_RECURSIVE} : 0U) |
                         (mount.options.src_nofollow ? unsigned{AT_SYMLINK_NOFOLLOW} : 0U);
  sys::FdResult tree = sys::try_open_tree(sys::FdRef::cwd(), source, flags);
  if (tree.error_number == ENOSYS) return std::nullopt;
  if (tree.error_number == EACCES && !mount.options.src_nofollow)
    return context.channel.request_tree(source, recursive);
  if (tree) return std::move(tree.fd);
  Error error = mount_error(mount, "open_tree " + sys::quote(source), tree.error_number);
  if (tree.error_number == EINVAL && !recursive)
    error.hint("it is unbindable, or hides something that only rbind may take along");
  throw error;
}

sys::UniqueFd bind_root(InitContext& context, const step::Mount& mount, const RootPlace& place) {
  std::optional<sys::UniqueFd> tree = clone_or_map(context, mount);
  const bool classic = !tree;
  if (classic) tree = bind_root_classic(context, mount, place);
  if (!S_ISDIR(sys::fstat(*tree).st_mode)) throw mount_error(mount, "", ENOTDIR);
  const bool attributes_set = !classic && set_detached_attributes(mount, *tree);
  if (!classic) attach(mount, *tree, place.target);
  if (!attributes_set) set_classic_attributes(context, mount, *tree);
  return std::move(*tree);
}

void mount_bind(InitContext& context, const step::Mount& mount) {
  if (mount.options.copy_symlink && copy_link(context, mount)) return;
  std::optional<sys::UniqueFd> tree = clone_or_map(context, mount);
  if (!tree) return bind_classic(context, mount);
  const bool attributes_set = set_detached_attributes(mount, *tree);
  sys::UniqueFd target = open_bind_target(context, mount, *tree);
  check_place(mount, target, tree->ref());
  attach(mount, *tree, target);
  if (!attributes_set) set_classic_attributes(context, mount, *tree);
  apply_propagation(context, mount, *tree);
}

}  // namespace ocx::runtime
