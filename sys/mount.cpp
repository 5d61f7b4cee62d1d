#include "sys/mount.hpp"

#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::sys {
namespace {

struct AttributeName {
  std::uint64_t attribute;
  unsigned long flag;
  const char* name;
};

// The atime modes are values of one field, not bits; they are handled apart.
constexpr std::array<AttributeName, 6> kAttributes{{
    {MOUNT_ATTR_RDONLY, MS_RDONLY, "MS_RDONLY"},
    {MOUNT_ATTR_NOSUID, MS_NOSUID, "MS_NOSUID"},
    {MOUNT_ATTR_NODEV, MS_NODEV, "MS_NODEV"},
    {MOUNT_ATTR_NOEXEC, MS_NOEXEC, "MS_NOEXEC"},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, "MS_NODIRATIME"},
    {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW, "MS_NOSYMFOLLOW"},
}};

const char* null_if_empty(const std::string& text) {
  return text.empty() ? nullptr : text.c_str();
}

FdResult to_result(long value) {
  if (value < 0) return {UniqueFd(), errno};
  return {UniqueFd(static_cast<int>(value)), 0};
}

int to_errno(long value) {
  return value < 0 ? errno : 0;
}

}  // namespace

FdResult try_open_tree(FdRef directory, const std::string& path, unsigned flags) {
  return to_result(::syscall(SYS_open_tree, directory.raw(), path.c_str(), flags | OPEN_TREE_CLOEXEC));
}

UniqueFd open_tree(FdRef directory, const std::string& path, unsigned flags) {
  FdResult result = try_open_tree(directory, path, flags);
  if (!result) throw_errno("open_tree " + quote(path), result.error_number);
  return std::move(result.fd);
}

int try_move_mount(FdRef mount, FdRef target) {
  return to_errno(::syscall(SYS_move_mount, mount.raw(), "", target.raw(), "",
                            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

void move_mount(FdRef mount, FdRef target) {
  if (int error = try_move_mount(mount, target); error != 0) throw_errno("move_mount", error);
}

int try_mount_setattr(FdRef mount, bool recursive, std::uint64_t set, std::uint64_t clear,
                      std::uint64_t propagation, std::optional<FdRef> user_namespace) {
  struct ::mount_attr attributes {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  if (user_namespace) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(user_namespace->raw());
  }
  unsigned flags = AT_EMPTY_PATH | (recursive ? unsigned{AT_RECURSIVE} : 0U);
  return to_errno(::syscall(SYS_mount_setattr, mount.raw(), "", flags, &attributes, sizeof attributes));
}

FdResult FsContext::try_open(const std::string& type) {
  return to_result(::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC));
}

FdResult FsContext::try_pick(FdRef mount) {
  return to_result(::syscall(SYS_fspick, mount.raw(), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC));
}

int FsContext::set_string(const std::string& key, const std::string& value) {
  return to_errno(
      ::syscall(SYS_fsconfig, fd_.ref().raw(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0));
}

int FsContext::set_flag(const std::string& key) {
  return to_errno(::syscall(SYS_fsconfig, fd_.ref().raw(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0));
}

int FsContext::create() {
  return to_errno(::syscall(SYS_fsconfig, fd_.ref().raw(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
}

int FsContext::reconfigure() {
  return to_errno(::syscall(SYS_fsconfig, fd_.ref().raw(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0));
}

FdResult FsContext::mount(unsigned attributes) {
  return to_result(::syscall(SYS_fsmount, fd_.ref().raw(), FSMOUNT_CLOEXEC, attributes));
}

std::string FsContext::messages() {
  std::string all;
  std::array<char, 1024> buffer;
  // One message a read, "e tmpfs: Unknown parameter 'x'"; ENODATA at the end. The log holds eight at most.
  for (int i = 0; i < 16; ++i) {
    ssize_t length = ::read(fd_.ref().raw(), buffer.data(), buffer.size());
    if (length <= 0) break;
    std::string_view message(buffer.data(), static_cast<std::size_t>(length));
    while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
    if (message.size() > 2 && message[1] == ' ') message.remove_prefix(2);
    if (!all.empty()) all += "; ";
    all += message;
  }
  return all;
}

int try_mount(const std::string& source, const std::string& target, const std::string& type,
              unsigned long flags, const std::string& data) {
  return to_errno(
      ::mount(null_if_empty(source), target.c_str(), null_if_empty(type), flags, null_if_empty(data)));
}

int try_umount2(const std::string& target, int flags) {
  return to_errno(::umount2(target.c_str(), flags));
}

void umount2(const std::string& target, int flags) {
  if (int error = try_umount2(target, flags); error != 0) throw_errno("umount2 " + quote(target), error);
}

void pivot_root(const std::string& new_root, const std::string& put_old) {
  if (::syscall(SYS_pivot_root, new_root.c_str(), put_old.c_str()) != 0)
    throw_errno("pivot_root " + quote(new_root) + ", " + quote(put_old));
}

std::uint64_t mount_attributes(FdRef mount) {
  struct ::statfs info {};
  if (::fstatfs(mount.raw(), &info) != 0) throw_errno("fstatfs");
  // f_flags carries ST_*, whose bits have the values of MS_*, except that ST_RELATIME is 4096.
  auto flags = static_cast<unsigned long>(info.f_flags);
  std::uint64_t attributes = 0;
  for (const AttributeName& entry : kAttributes)
    if ((flags & (entry.flag == MS_NOSYMFOLLOW ? 0x2000UL : entry.flag)) != 0)  // ST_NOSYMFOLLOW
      attributes |= entry.attribute;
  if ((flags & ST_NOATIME) != 0) return attributes | MOUNT_ATTR_NOATIME;
  return (flags & ST_RELATIME) != 0 ? attributes : attributes | MOUNT_ATTR_STRICTATIME;
}

unsigned long to_mount_flags(std::uint64_t attributes) {
  unsigned long flags = 0;
  for (const AttributeName& entry : kAttributes)
    if ((attributes & entry.attribute) != 0) flags |= entry.flag;
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return flags | MS_STRICTATIME;
    default:
      return flags | MS_RELATIME;
  }
}

std::string mount_attribute_names(std::uint64_t attributes) {
  std::vector<std::string> names;
  for (const AttributeName& entry : kAttributes)
    if ((attributes & entry.attribute) != 0) names.emplace_back(entry.name);
  if ((attributes & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME) names.emplace_back("MS_NOATIME");
  if ((attributes & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME) names.emplace_back("MS_STRICTATIME");
  return join(names, "|");
}

}  // namespace ocx::sys
