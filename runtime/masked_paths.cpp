// Read-only and masked paths of the container, after the pivot; everything is found inside the root, by
// descriptor.
#include <cerrno>
#include <optional>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/devices.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr std::uint64_t kEmptyAttributes =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// Nothing when the path does not exist in this image or kernel; those are skipped. A dangling link is
// refused: whoever makes what it names would undo the mask.
std::optional<sys::UniqueFd> open_existing(const InitContext& context, const std::string& what,
                                           const std::string& path) {
  sys::FdResult fd = sys::try_open_in_root(context.root, path, O_PATH);
  if (fd) return std::move(fd.fd);
  if (fd.error_number == ENOENT || fd.error_number == ENOTDIR) {
    if (!sys::try_open_in_root(context.root, path, O_PATH | O_NOFOLLOW)) return std::nullopt;
    throw Error(what + " " + sys::quote(path) + ": is a dangling symbolic link");
  }
  throw_errno(what + " " + sys::quote(path), fd.error_number);
}

// The mask's mount, made once: attached the first time, cloned from where it is attached for the others.
// Kernels before 6.15 clone only what is attached in the caller's mount namespace.
void attach_or_clone(const std::string& path, sys::FdRef shared, sys::FdRef target) {
  sys::FdResult clone = sys::try_open_tree(shared, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  if (clone.error_number == EINVAL) {
    if (int error = sys::try_move_mount(shared, target); error != 0)
      throw_errno("mask " + sys::quote(path), error);
    return;
  }
  if (!clone) throw_errno("mask " + sys::quote(path) + ": open_tree", clone.error_number);
  if (int error = sys::try_move_mount(clone.fd, target); error != 0)
    throw_errno("mask " + sys::quote(path), error);
}

// An empty tmpfs without room for anything; one superblock for all masks (many of them slow the kernel's
// memory reclaim down).
bool make_empty_directory(InitContext& context) {
  step::Mount empty;
  empty.type = empty.source = "tmpfs";
  empty.target = "masked path";
  empty.options.attributes.set = kEmptyAttributes;
  empty.options.data = {{"nr_blocks=1", 0}, {"nr_inodes=2", 0}, {"mode=755", 0}};
  std::optional<sys::UniqueFd> made = make_filesystem(empty, kEmptyAttributes);
  if (made) context.empty_directory = std::move(*made);
  return made.has_value();
}

void mask_directory(InitContext& context, const std::string& path, sys::FdRef target) {
  if (context.empty_directory || make_empty_directory(context))
    return attach_or_clone(path, context.empty_directory, target);
  int error = try_mount_on(context, "tmpfs", target, "tmpfs", sys::to_mount_flags(kEmptyAttributes),
                           "nr_blocks=1,nr_inodes=2,mode=755");
  if (error != 0) throw_errno("mask " + sys::quote(path), error);
}

// Linux before 5.2: the container's own /dev/null, which is trusted only as far as it is the null device
// (CVE-2025-31133).
void mask_file_classic(const InitContext& context, const std::string& path, sys::FdRef target) {
  sys::FdResult null = sys::try_open_in_root(context.root, "/dev/null", O_PATH | O_NOFOLLOW);
  if (!null) throw_errno("mask " + sys::quote(path) + ": open \"/dev/null\"", null.error_number);
  if (!is_null_device(null.fd))
    throw Error("mask " + sys::quote(path) + ": \"/dev/null\" is not the null device");
  if (int error = try_bind_on(context, null.fd, target, false); error != 0)
    throw_errno("mask " + sys::quote(path), error);
}

void mask_file(const InitContext& context, const std::string& path, sys::FdRef target) {
  if (context.dev_null) return attach_or_clone(path, context.dev_null, target);
  mask_file_classic(context, path, target);
}

// Linux before 5.2.
void make_read_only_classic(const InitContext& context, const std::string& path, sys::FdRef target) {
  if (int error = try_bind_on(context, target, target, true); error != 0)
    throw_errno("make read-only " + sys::quote(path), error);
  sys::UniqueFd top = sys::open_in_root(context.root, path, O_PATH);
  const struct ::stat wanted = sys::fstat(target), found = sys::fstat(top);
  int error = wanted.st_dev == found.st_dev && wanted.st_ino == found.st_ino
                  ? set_attributes(context, top, {MOUNT_ATTR_RDONLY, 0})
                  : EAGAIN;
  if (error != 0) throw_errno("make read-only " + sys::quote(path), error);
}

}  // namespace

void execute(InitContext& context, const step::SetReadOnly& step) {
  sys::UniqueFd opened;
  if (step.path != "/") opened = sys::open_in_root(context.root, step.path, O_PATH);
  const sys::FdRef mount = step.path == "/" ? context.root.ref() : opened.ref();
  int error = set_attributes(context, mount, {MOUNT_ATTR_RDONLY, 0});
  if (error == 0) return;
  Error failure = Error::from_errno("make read-only " + sys::quote(step.path), error);
  if (error == EBUSY) failure.hint("a file on it is open for writing, perhaps by what a hook has started");
  throw failure;
}

void execute(InitContext& context, const step::ReadonlyPath& step) {
  std::optional<sys::UniqueFd> target = open_existing(context, "make read-only", step.path);
  if (!target) return;
  sys::FdResult clone = sys::try_open_tree(*target, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
  if (clone.error_number == ENOSYS) return make_read_only_classic(context, step.path, *target);
  if (!clone) throw_errno("make read-only " + sys::quote(step.path) + ": open_tree", clone.error_number);
  int error = sys::try_mount_setattr(clone.fd, false, MOUNT_ATTR_RDONLY, 0);
  const bool later = error == ENOSYS;  // before Linux 5.12, only an attached mount can be changed
  if (error == 0 || later) error = sys::try_move_mount(clone.fd, *target);
  if (error == 0 && later) error = set_attributes(context, clone.fd, {MOUNT_ATTR_RDONLY, 0});
  if (error != 0) throw_errno("make read-only " + sys::quote(step.path), error);
}

void execute(InitContext& context, const step::MaskedPath& step) {
  std::optional<sys::UniqueFd> target = open_existing(context, "mask", step.path);
  if (!target) return;
  if (S_ISDIR(sys::fstat(*target).st_mode))
    mask_directory(context, step.path, *target);
  else
    mask_file(context, step.path, *target);
}

}  // namespace ocx::runtime
