#include <algorithm>
#include <cerrno>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/devices.hpp"
#include "runtime/mount_kinds.hpp"
#include "runtime/tmpcopyup.hpp"
#include "spec/overlay_options.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

using Data = spec::MountOptions::Data;

constexpr std::string_view kLayers = "lowerdir=";  // of an overlay

constexpr std::size_t kLongestValue = 255;  // fsconfig(2) copies at most 256 bytes, with the NUL
constexpr std::size_t kLongestData = 4095;  // mount(2) a page

bool has_data(const step::Mount& mount, std::string_view key) {
  return std::any_of(mount.options.data.begin(), mount.options.data.end(),
                     [&](const Data& option) { return option.text.starts_with(key); });
}

bool is_filled(const step::Mount& mount) {
  return mount.options.tmpcopyup || !mount.devices.empty() || !mount.links.empty() ||
         !mount.directories.empty();
}

bool has_layers(const step::Mount& mount, const Data& option) {
  return mount.type == "overlay" && option.text.starts_with(kLayers);
}

// MS_I_VERSION has no fsconfig(2) word that all file systems take, and long values do not fit.
bool needs_classic(const step::Mount& mount) {
  if ((mount.options.superblock_set & MS_I_VERSION) != 0 || mount.source.size() > kLongestValue) return true;
  return std::any_of(mount.options.data.begin(), mount.options.data.end(), [&](const Data& option) {
    std::size_t equals = option.text.find('=');
    return equals != std::string::npos && option.text.size() - equals - 1 > kLongestValue &&
           !has_layers(mount, option);
  });
}

// SELinux labels are quoted for mount(2), where a comma ends an option; fsconfig(2) takes a value as it is.
std::string unquoted(std::string value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return value;
  return value.substr(1, value.size() - 2);
}

int set_option(sys::FsContext& context, const Data& option) {
  const std::size_t equals = option.text.find('=');
  const std::string key = option.text.substr(0, equals);
  std::string value = equals == std::string::npos ? "" : option.text.substr(equals + 1);
  if (key.ends_with("context")) value = unquoted(std::move(value));
  return equals == std::string::npos ? context.set_flag(key) : context.set_string(key, value);
}

// Of an overlay whose layers don't fit into one value, or have a comma, which the interface for old file
// systems refuses in any value (overlay was one before Linux 6.5).
bool needs_single_layers(const step::Mount& mount) {
  return std::any_of(mount.options.data.begin(), mount.options.data.end(), [&](const Data& option) {
    return has_layers(mount, option) && (option.text.size() - kLayers.size() > kLongestValue ||
                                         option.text.find(',') != std::string::npos);
  });
}

// False: the kernel does not know this way (before Linux 6.7), or a name is too long for it.
bool set_layers(sys::FsContext& context, const step::Mount& mount, const Data& option) {
  for (const spec::OverlayLayer& layer : spec::overlay_layers(option.text.substr(kLayers.size()))) {
    if (layer.path.size() > kLongestValue) return false;
    const int error = context.set_string(layer.data ? "datadir+" : "lowerdir+", layer.path);
    if (error == EINVAL) return false;
    if (error != 0)
      throw option_error(mount, {(layer.data ? "datadir+=" : "lowerdir+=") + layer.path, option.index},
                         context.messages(), error);
  }
  return true;
}

// False: only mount(2) can.
bool set_options(sys::FsContext& context, const step::Mount& mount) {
  const bool single = needs_single_layers(mount);
  for (const Data& option : mount.options.data) {
    if (single && has_layers(mount, option)) {
      if (!set_layers(context, mount, option)) return false;
      continue;
    }
    const int error = set_option(context, option);
    if (error == EINVAL && mount.type == "overlay" && option.text.find(',') != std::string::npos)
      return false;
    if (error != 0) throw option_error(mount, option, context.messages(), error);
  }
  return true;
}

// MS_SILENT and its clearing need nothing: with a file system context the kernel's words go to the caller,
// not to its log.
void set_superblock_flags(sys::FsContext& context, const step::Mount& mount, std::uint64_t attributes) {
  struct Word {
    std::uint64_t flag;
    const char* name;
  };
  for (const Word& word : {Word{MS_SYNCHRONOUS, "sync"}, Word{MS_DIRSYNC, "dirsync"},
                           Word{MS_MANDLOCK, "mand"}, Word{MS_LAZYTIME, "lazytime"}})
    if ((mount.options.superblock_set & word.flag) != 0)
      if (int error = context.set_flag(word.name); error != 0)
        throw mount_error(mount, std::string("option \"") + word.name + "\"", error);
  // A read-only block device can't be opened for a writable superblock; for the kernel's own file systems the
  // mount's flag does.
  if ((attributes & MOUNT_ATTR_RDONLY) != 0 && mount.source.starts_with('/'))
    if (int error = context.set_flag("ro"); error != 0) throw mount_error(mount, "option \"ro\"", error);
}

// overlay writes why to the kernel's log, not to who mounts it.
void add_overlay_hint(Error& error, int error_number) {
  if (error_number == EPERM) error.hint("in a user namespace an overlay needs Linux 5.11");
  if (error_number == EACCES)
    error.hint(
        "root of the container's user namespace needs the right to search the directories above its layers");
  if (error_number == EINVAL)
    error.hint(
        "upperdir and workdir have to be on one file system, which can't be an overlay; dmesg tells more");
  if (error_number == EBUSY) error.hint("its upperdir or workdir is in use by another container's overlay");
}

Error creation_error(const step::Mount& mount, const std::string& words, int error_number) {
  Error error = mount_error(mount, words, error_number);
  if (error_number == EPERM && (mount.type == "proc" || mount.type == "sysfs"))
    error.hint("in a user namespace a new " + mount.type + " needs the container's own " +
               (mount.type == "proc" ? "pid" : "network") +
               " namespace, and the host's without anything mounted over it");
  if (error_number == EPERM && mount.type == "mqueue")
    error.hint("in a user namespace a new mqueue needs the container's own ipc namespace");
  if (mount.type == "overlay") add_overlay_hint(error, error_number);
  if (error_number == ENODEV) error.hint("the kernel does not know that file system type");
  return error;
}

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3) text += static_cast<char>('0' + ((mode >> shift) & 7));
  return text;
}

bool takes_mode(const step::Mount& mount) {
  return mount.type == "tmpfs" && !has_data(mount, "mode=");
}

// A tmpfs takes the mode of the directory it covers, unless it is given one. A directory that had to be made
// for it has none to give: then tmpfs' own 1777 holds, which is what images that bring no such directory
// count on.
std::optional<mode_t> covered_mode(const step::Mount& mount, sys::FdRef target, bool was_there) {
  if (!takes_mode(mount) || !was_there) return std::nullopt;
  return sys::fstat(target).st_mode & 07777;
}

std::string name_below(const step::Mount& mount, const std::string& path) {
  return path.starts_with(mount.target + "/") ? path.substr(mount.target.size() + 1) : path;
}

// Fills the new file system; returns the devices that can only be bound, once it is attached.
std::vector<const step::DeviceNode*> fill(const step::Mount& mount, sys::FdRef root, sys::FdRef covered) {
  if (mount.options.tmpcopyup)
    copy_up(covered, root, {has_data(mount, "mode="), has_data(mount, "uid="), has_data(mount, "gid=")});
  std::vector<const step::DeviceNode*> to_bind;
  sys::ScopedUmask exact(0);
  for (const std::string& directory : mount.directories) {
    int error = sys::try_mkdirat(root, directory, 0755);
    if (error != 0 && error != EEXIST) throw mount_error(mount, "mkdirat " + sys::quote(directory), error);
  }
  for (const step::DeviceNode& node : mount.devices)
    if (!make_private_node(root, name_below(mount, node.path), node)) to_bind.push_back(&node);
  for (const step::SymbolicLink& link : mount.links) {
    const std::string name = name_below(mount, link.path);
    if (name.find('/') == std::string::npos) {
      make_link_at(root, name, link);
    } else {
      sys::Parent parent = sys::open_parent_in_root(root, name);
      make_link_at(parent.directory, parent.name, link);
    }
  }
  return to_bind;
}

void bind_devices(InitContext& context, const step::Mount& mount, sys::FdRef root,
                  const std::vector<const step::DeviceNode*>& nodes) {
  for (const step::DeviceNode* node : nodes) {
    const std::string name = name_below(mount, node->path);
    sys::Parent parent = sys::open_parent_in_root(root, name);
    bind_host_node(context, parent.directory, parent.name, *node);
  }
}

void make_read_only(const InitContext& context, const step::Mount& mount, sys::FdRef fd) {
  if (int error = set_attributes(context, fd, {MOUNT_ATTR_RDONLY, 0}); error != 0)
    throw mount_error(mount, "make read-only", error);
}

// A file system that takes no label as an option. Its descriptor is O_PATH, which has no attributes.
void label_root(const step::Mount& mount, sys::FdRef made) {
  if (mount.label.empty()) return;
  const sys::UniqueFd root = sys::openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (int error = sys::try_set_xattr(root, "security.selinux", mount.label); error != 0)
    throw mount_error(mount, "SELinux label " + sys::quote(mount.label), error);
}

struct Place {
  sys::FdRef target;           // the mount point
  sys::FdRef covered;          // what a new file system begins with a copy of
  std::optional<mode_t> mode;  // of a tmpfs
  const RootPlace* root;       // the container's root, or null
};

std::string classic_data(const step::Mount& mount, std::optional<mode_t> mode) {
  std::string data;
  for (const Data& option : mount.options.data) data += (data.empty() ? "" : ",") + option.text;
  if (mode) data += (data.empty() ? "mode=" : ",mode=") + octal(*mode);
  // mount(2) would take the first page of them, and say nothing.
  if (data.size() > kLongestData)
    throw mount_error(mount, "its options have " + std::to_string(data.size()) + " bytes", E2BIG)
        .hint("mount(2) takes " + std::to_string(kLongestData));
  return data;
}

// mount(2): kernels before 5.2, and what fsconfig(2) can't express. Returns what was mounted, where anybody
// needs it.
sys::UniqueFd mount_classic(InitContext& context, const step::Mount& mount, const Place& place) {
  const std::string data = classic_data(mount, place.mode);
  std::uint64_t attributes = new_attributes(mount);
  const bool read_only = (attributes & MOUNT_ATTR_RDONLY) != 0 && is_filled(mount);
  if (read_only) attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  const unsigned long flags = sys::to_mount_flags(attributes) | mount.options.superblock_set;
  int error = try_mount_on(context, mount.source.empty() ? mount.type : mount.source, place.target,
                           mount.type, flags, data);
  if (error != 0) throw creation_error(mount, data.empty() ? "" : "with options " + sys::quote(data), error);
  const bool looked_at = is_filled(mount) || !mount.options.propagation.empty() || !mount.label.empty();
  if (place.root == nullptr && !looked_at) return {};
  sys::UniqueFd top = place.root ? place.root->reopen() : reopen_target(context, mount, place.target);
  label_root(mount, top);
  bind_devices(context, mount, top, fill(mount, top, place.covered));
  if (read_only) make_read_only(context, mount, top);
  apply_propagation(context, mount, top);
  return top;
}

sys::UniqueFd mount_at(InitContext& context, const step::Mount& mount, const Place& place) {
  std::uint64_t attributes = new_attributes(mount);
  const bool read_only = (attributes & MOUNT_ATTR_RDONLY) != 0 && is_filled(mount);
  if (read_only) attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  std::optional<sys::UniqueFd> made = make_filesystem(mount, attributes, place.mode);
  if (!made) return mount_classic(context, mount, place);
  label_root(mount, *made);
  std::vector<const step::DeviceNode*> to_bind;
  if (is_filled(mount)) to_bind = fill(mount, *made, place.covered);
  // A detached mount takes attributes only from mount_setattr; where that is missing it is done once
  // attached.
  attach(mount, *made, place.target);
  bind_devices(context, mount, *made, to_bind);
  if (read_only) make_read_only(context, mount, *made);
  apply_propagation(context, mount, *made);
  return std::move(*made);
}

}  // namespace

std::uint64_t new_attributes(const step::Mount& mount) {
  const spec::MountOptions& options = mount.options;
  std::uint64_t attributes =
      (options.attributes.set & ~options.recursive_attributes.clear) | options.recursive_attributes.set;
  if (mount.late_read_only) attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
  return attributes;
}

std::optional<sys::UniqueFd> make_filesystem(const step::Mount& mount, std::uint64_t attributes,
                                             std::optional<mode_t> mode) {
  if (needs_classic(mount)) return std::nullopt;
  sys::FdResult opened = sys::FsContext::try_open(mount.type);
  // EPERM: an outer container's seccomp profile; mount(2) then gives the real answer.
  if (opened.error_number == ENOSYS || opened.error_number == EPERM) return std::nullopt;
  if (!opened) throw creation_error(mount, "", opened.error_number);
  sys::FsContext context(std::move(opened.fd));
  if (int error = context.set_string("source", mount.source.empty() ? mount.type : mount.source); error != 0)
    throw creation_error(mount, "source " + sys::quote(mount.source), error);
  if (!set_options(context, mount)) return std::nullopt;
  if (mode)
    if (int error = context.set_string("mode", octal(*mode)); error != 0)
      throw creation_error(mount, "mode", error);
  set_superblock_flags(context, mount, attributes);
  if (int error = context.create(); error != 0) {
    // Where overlay takes its options with the last call, "lowerdir+" is unknown only now (before Linux 6.5).
    if (error == EINVAL && needs_single_layers(mount)) return std::nullopt;
    throw creation_error(mount, context.messages(), error);
  }
  sys::FdResult made = context.mount(static_cast<unsigned>(attributes));
  if (!made) throw creation_error(mount, context.messages(), made.error_number);
  return std::move(made.fd);
}

void mount_filesystem(InitContext& context, const step::Mount& mount) {
  const bool was_there = !takes_mode(mount) || sys::try_open_in_root(context.root, mount.target, O_PATH);
  sys::UniqueFd target = open_target(context, mount, false);
  check_place(mount, target, std::nullopt);
  mount_at(context, mount, {target, target, covered_mode(mount, target, was_there), nullptr});
}

sys::UniqueFd mount_root_filesystem(InitContext& context, const step::Mount& mount, const RootPlace& place) {
  const sys::FdRef covered = place.content ? place.content.ref() : place.target.ref();
  const Place at{place.target, covered, covered_mode(mount, covered, true), &place};
  try {
    return mount_at(context, mount, at);
  } catch (const Error& error) {
    if (mount.type != "overlay" || error.error_number() != EACCES) throw;
  }
  std::vector<sys::UniqueFd> held;
  const step::Mount reachable = through_parent(context, mount, place, held);
  InProcfs here(context);
  return mount_at(context, reachable, at);
}

}  // namespace ocx::runtime
