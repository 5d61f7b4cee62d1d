#include "runtime/devices.hpp"

#include <sys/sysmacros.h>

#include <cerrno>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

mode_t file_type(const step::DeviceNode& node) {
  switch (node.type) {
    case 'b':
      return S_IFBLK;
    case 'p':
      return S_IFIFO;
    default:
      return S_IFCHR;
  }
}

bool matches(const struct ::stat& info, const step::DeviceNode& node) {
  return (info.st_mode & S_IFMT) == file_type(node) && (node.type == 'p' || info.st_rdev == node.device);
}

std::string device_words(const step::DeviceNode& node) {
  std::string text = "device " + sys::quote(node.path) + " (" + node.type;
  if (node.type != 'p')
    text += " " + std::to_string(major(node.device)) + ":" + std::to_string(minor(node.device));
  return text + ")";
}

Error occupied(const step::DeviceNode& node) {
  // config-linux.md, "Devices": a file already there that does not match is an error.
  Error error(device_words(node) + ": another file is already there", ErrorKind::invalid_config);
  error.at(node.origin);
  return error;
}

Error device_error(const step::DeviceNode& node, const std::string& call, int error_number) {
  Error error = Error::from_errno(device_words(node) + ": " + call, error_number);
  error.at(node.origin);
  return error;
}

// What is there must be what was asked for: it may be the image's, or have been exchanged since mknodat.
void settle_node(sys::FdRef directory, const std::string& name, const step::DeviceNode& node) {
  sys::FdResult fd = sys::try_openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (!fd) throw device_error(node, "open", fd.error_number);
  const struct ::stat info = sys::fstat(fd.fd);
  if (!matches(info, node)) throw occupied(node);
  if (info.st_uid != node.uid || info.st_gid != node.gid) sys::chown_descriptor(fd.fd, node.uid, node.gid);
  if ((info.st_mode & 07777) != node.mode) sys::chmod_descriptor(fd.fd, node.mode);
}

// The file a host node is bound on: an empty regular file, the image's or one made now.
sys::UniqueFd open_bind_point(sys::FdRef directory, const std::string& name, const step::DeviceNode& node) {
  int made = sys::try_mknodat(directory, name, S_IFREG | 0644, 0);
  if (made != 0 && made != EEXIST) throw device_error(node, "make the file to bind on", made);
  sys::FdResult fd = sys::try_openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (!fd) throw device_error(node, "open", fd.error_number);
  const struct ::stat info = sys::fstat(fd.fd);
  if (!matches(info, node) && (!S_ISREG(info.st_mode) || info.st_size != 0)) throw occupied(node);
  return std::move(fd.fd);
}

void make_in_root(InitContext& context, const step::DeviceNode& node) {
  sys::Parent parent = sys::open_parent_in_root(context.root, node.path);
  if (node.bind) return bind_host_node(context, parent.directory, parent.name, node);
  int error = sys::try_mknodat(parent.directory, parent.name, file_type(node) | node.mode, node.device);
  if (error == EPERM) return bind_host_node(context, parent.directory, parent.name, node);
  if (error != 0 && error != EEXIST) throw device_error(node, "mknodat", error);
  settle_node(parent.directory, parent.name, node);
}

}  // namespace

bool make_private_node(sys::FdRef directory, const std::string& name, const step::DeviceNode& node) {
  if (node.bind) return false;
  sys::UniqueFd made;
  sys::FdRef at = directory;
  std::string last = name;
  if (name.find('/') != std::string::npos) {
    sys::Parent parent = sys::open_parent_in_root(directory, name);
    made = std::move(parent.directory);
    at = made;
    last = std::move(parent.name);
  }
  int error = sys::try_mknodat(at, last, file_type(node) | node.mode, node.device);
  if (error == EPERM) return false;
  if (error == EEXIST) settle_node(at, last, node);
  if (error != 0 && error != EEXIST) throw device_error(node, "mknodat", error);
  if (error == 0 && (node.uid != 0 || node.gid != 0)) settle_node(at, last, node);
  return true;
}

void bind_host_node(InitContext& context, sys::FdRef directory, const std::string& name,
                    const step::DeviceNode& node) {
  sys::FdResult source = sys::try_open_tree(sys::FdRef::cwd(), node.path, OPEN_TREE_CLONE);
  const bool classic = source.error_number == ENOSYS;  // before Linux 5.2
  if (classic) source = sys::try_openat(sys::FdRef::cwd(), node.path, O_PATH | O_CLOEXEC);
  if (source.error_number == EACCES) source = {context.channel.request_tree(node.path, false), 0};
  if (!source) throw device_error(node, "bind the host's " + sys::quote(node.path), source.error_number);
  if (!matches(sys::fstat(source.fd), node))
    throw Error(device_words(node) + ": the host's " + sys::quote(node.path) + " is another file")
        .at(node.origin)
        .hint("where mknod is not permitted only a device of the host with the same path can be used");
  sys::UniqueFd target = open_bind_point(directory, name, node);
  int error =
      classic ? try_bind_on(context, source.fd, target, false) : sys::try_move_mount(source.fd, target);
  if (error != 0) throw device_error(node, "bind the host's " + sys::quote(node.path), error);
}

void make_link_at(sys::FdRef directory, const std::string& name, const step::SymbolicLink& link) {
  int error = sys::try_symlinkat(link.target, directory, name);
  if (error == EEXIST && !link.replace) return;
  if (error == EEXIST) {
    sys::try_unlinkat(directory, name);
    error = sys::try_symlinkat(link.target, directory, name);
  }
  if (error != 0) throw_errno("symlinkat " + sys::quote(link.target) + ", " + sys::quote(link.path), error);
}

sys::UniqueFd clone_null_device() {
  sys::FdResult clone = sys::try_open_tree(sys::FdRef::cwd(), "/dev/null", OPEN_TREE_CLONE);
  if (clone.error_number == ENOSYS) return {};
  if (!clone) throw_errno("open_tree \"/dev/null\"", clone.error_number);
  if (!is_null_device(clone.fd)) throw Error("the host's \"/dev/null\" is not the null device (char 1:3)");
  return std::move(clone.fd);
}

bool is_null_device(sys::FdRef fd) {
  const struct ::stat info = sys::fstat(fd);
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

void execute(InitContext& context, const step::MakeDevice& step) {
  sys::ScopedUmask exact(0);
  make_in_root(context, step.node);
}

void execute(InitContext& context, const step::MakeLink& step) {
  sys::Parent parent = sys::open_parent_in_root(context.root, step.link.path);
  make_link_at(parent.directory, parent.name, step.link);
}

}  // namespace ocx::runtime
