#include "sys/mount.hpp"

#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

// Files that engines (lxcfs and the like) emulate; nothing in the kernel's own set-up of a container reads
// them.
constexpr std::array<std::string_view, 10> kEmulatedFiles{"/proc/cpuinfo",
                                                          "/proc/diskstats",
                                                          "/proc/meminfo",
                                                          "/proc/stat",
                                                          "/proc/swaps",
                                                          "/proc/uptime",
                                                          "/proc/loadavg",
                                                          "/proc/slabinfo",
                                                          "/proc/sys/kernel/ns_last_pid",
                                                          "/proc/sys/crypto/fips_enabled"};

bool is_emulated(std::string_view target) {
  return std::find(kEmulatedFiles.begin(), kEmulatedFiles.end(), target) != kEmulatedFiles.end();
}

[[noreturn]] void refuse(const step::Mount& mount, const std::string& why) {
  throw Error(mount_label(mount) + ": " + why, ErrorKind::invalid_config).at(mount.origin + "/destination");
}

// What the written path already tells; check_place() looks at where it really leads.
void check_target(const step::Mount& mount) {
  if (mount.target == "/" && mount.kind != step::Mount::Kind::remount)
    refuse(mount, "a mount over \"/\" is not possible");
  if (mount.kind == step::Mount::Kind::remount) return;
  if (mount.target.starts_with("/proc/") && !is_emulated(mount.target))
    refuse(mount, "nothing may be mounted inside /proc");
  if (mount.target == "/proc" && mount.type != "proc" && mount.kind != step::Mount::Kind::bind)
    refuse(mount, "only a proc file system may be mounted on /proc");
}

}  // namespace

std::string mount_label(const step::Mount& mount) {
  const bool by_source = mount.kind == step::Mount::Kind::bind && !mount.source.empty();
  const std::string what = mount.kind == step::Mount::Kind::remount ? "remount " : "mount ";
  if (mount.kind == step::Mount::Kind::remount) return what + sys::quote(mount.target);
  return what + sys::quote(by_source ? mount.source : mount.type) + " on " + sys::quote(mount.target);
}

Error mount_error(const step::Mount& mount, const std::string& what, int error_number) {
  Error error = Error::from_errno(mount_label(mount) + (what.empty() ? "" : ": " + what), error_number);
  error.at(mount.origin);
  return error;
}

Error option_error(const step::Mount& mount, const spec::MountOptions::Data& option, const std::string& words,
                   int error_number) {
  std::string text = mount_label(mount) + ": invalid option " + sys::quote(option.text);
  if (!words.empty()) text += ": " + words;
  Error error = Error::from_errno(std::move(text), error_number);
  using Data = spec::MountOptions::Data;
  if (option.index == Data::of_plan) return error.at(mount.origin), error;
  const bool own = option.index != Data::of_mount_label;
  error.at(own ? mount.origin + "/options/" + std::to_string(option.index) : "/linux/mountLabel");
  return error;
}

sys::UniqueFd open_target(const InitContext& context, const step::Mount& mount, bool file) {
  const bool kernel_tree =
      mount.kind == step::Mount::Kind::filesystem && (mount.type == "proc" || mount.type == "sysfs");
  try {
    return sys::open_mount_target(context.root, mount.target, file,
                                  mount.options.dest_nofollow || kernel_tree);
  } catch (Error& error) {
    // CVE-2019-19921: with a link, procfs would land where somebody else's volume decides.
    if (kernel_tree && (error.error_number() == ENOTDIR || error.error_number() == ELOOP))
      throw Error(sys::quote(mount.target) + " must be mounted on ordinary directory",
                  ErrorKind::invalid_config)
          .at(mount.origin + "/destination");
    throw error.in(mount_label(mount)).at(mount.origin);
  }
}

void check_place(const step::Mount& mount, sys::FdRef target, std::optional<sys::FdRef> bind_source) {
  if (mount.target == "/proc") {
    if (bind_source && sys::filesystem_type(*bind_source) != PROC_SUPER_MAGIC)
      refuse(mount, "only a proc file system may be mounted on /proc");
    return;
  }
  // A link in the image may lead into /proc although the written path does not.
  if (!is_emulated(mount.target) && sys::filesystem_type(target) == PROC_SUPER_MAGIC)
    refuse(mount, "nothing may be mounted inside /proc");
}

void attach(const step::Mount& mount, sys::FdRef tree, sys::FdRef target) {
  int error = sys::try_move_mount(tree, target);
  if (error == 0) return;
  // move_mount(2) has only EINVAL for what mount(2) calls ENOTDIR.
  const bool directories = S_ISDIR(sys::fstat(tree).st_mode) == S_ISDIR(sys::fstat(target).st_mode);
  if (error == EINVAL && !directories) error = ENOTDIR;
  throw mount_error(mount, "", error);
}

void apply_propagation(const InitContext& context, const step::Mount& mount, sys::FdRef attached) {
  for (std::uint64_t flags : mount.options.propagation)
    if (int error = set_propagation(context, attached, flags); error != 0)
      throw mount_error(mount, "change propagation", error);
}

sys::UniqueFd reopen_target(const InitContext& context, const step::Mount& mount, sys::FdRef covered) {
  const int flags = O_PATH | (mount.options.dest_nofollow ? O_NOFOLLOW : 0);
  sys::FdResult top = sys::try_open_in_root(context.root, mount.target, flags);
  if (!top) throw mount_error(mount, "open what was mounted", top.error_number);
  struct ::stat below = sys::fstat(covered), above = sys::fstat(top.fd);
  if (below.st_dev == above.st_dev && below.st_ino == above.st_ino && mount.kind != step::Mount::Kind::bind)
    throw mount_error(mount, "the mount point was exchanged meanwhile", EAGAIN);
  return std::move(top.fd);
}

void execute(InitContext& context, const step::Mount& mount) {
  check_target(mount);
  switch (mount.kind) {
    case step::Mount::Kind::filesystem:
      return mount.type == "sysfs" ? mount_sysfs(context, mount) : mount_filesystem(context, mount);
    case step::Mount::Kind::bind:
      return mount_bind(context, mount);
    case step::Mount::Kind::cgroup:
      return mount_cgroup(context, mount);
    case step::Mount::Kind::remount:
      return remount(context, mount);
  }
}

}  // namespace ocx::runtime
