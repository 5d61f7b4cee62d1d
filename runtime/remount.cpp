#include <array>
#include <cerrno>

#include "runtime/classic_mount.hpp"
#include "runtime/mount_kinds.hpp"
#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

struct SuperblockWord {
  std::uint64_t flag;
  const char* set;
  const char* clear;
};
constexpr std::array<SuperblockWord, 4> kSuperblockWords{{{MS_SYNCHRONOUS, "sync", "async"},
                                                          {MS_DIRSYNC, "dirsync", nullptr},
                                                          {MS_MANDLOCK, "mand", "nomand"},
                                                          {MS_LAZYTIME, "lazytime", "nolazytime"}}};

// Without `bind`, mount(2) reconfigures the superblock too.
bool changes_superblock(const step::Mount& mount) {
  const spec::MountOptions& options = mount.options;
  const std::uint64_t executed = ~std::uint64_t{MS_SILENT};
  return !options.data.empty() || (options.superblock_set & executed) != 0 ||
         (options.superblock_clear & executed) != 0;
}

void set_flags(sys::FsContext& context, const step::Mount& mount) {
  for (const SuperblockWord& word : kSuperblockWords) {
    const char* name = (mount.options.superblock_set & word.flag) != 0     ? word.set
                       : (mount.options.superblock_clear & word.flag) != 0 ? word.clear
                                                                           : nullptr;
    if (name == nullptr) continue;
    if (int error = context.set_flag(name); error != 0)
      throw mount_error(mount, std::string("option \"") + name + "\"", error);
  }
}

// Linux before 5.2, and MS_I_VERSION, which has no fsconfig(2) word.
void reconfigure_classic(const InitContext& context, const step::Mount& mount, sys::FdRef fd) {
  std::string data;
  for (const auto& option : mount.options.data) data += (data.empty() ? "" : ",") + option.text;
  const unsigned long flags =
      MS_REMOUNT | sys::to_mount_flags(sys::mount_attributes(fd)) | mount.options.superblock_set;
  if (int error = try_mount_on(context, "", fd, "", flags, data); error != 0)
    throw mount_error(mount, data.empty() ? "" : "with options " + sys::quote(data), error);
}

void reconfigure(const InitContext& context, const step::Mount& mount, sys::FdRef fd) {
  sys::FdResult picked = sys::FsContext::try_pick(fd);
  const bool versions = ((mount.options.superblock_set | mount.options.superblock_clear) & MS_I_VERSION) != 0;
  if (picked.error_number == ENOSYS || versions) return reconfigure_classic(context, mount, fd);
  if (!picked) throw mount_error(mount, "fspick", picked.error_number);
  sys::FsContext superblock(std::move(picked.fd));
  for (const auto& option : mount.options.data) {
    const std::size_t equals = option.text.find('=');
    int error = equals == std::string::npos
                    ? superblock.set_flag(option.text)
                    : superblock.set_string(option.text.substr(0, equals), option.text.substr(equals + 1));
    if (error != 0) throw option_error(mount, option, superblock.messages(), error);
  }
  set_flags(superblock, mount);
  if (int error = superblock.reconfigure(); error != 0)
    throw mount_error(mount, superblock.messages(), error);
}

void change_attributes(const InitContext& context, const step::Mount& mount, sys::FdRef fd) {
  int error = set_attributes(context, fd, mount.options.attributes);
  const spec::MountAttributes& tree = mount.options.recursive_attributes;
  if (error == 0 && !tree.empty()) error = sys::try_mount_setattr(fd, true, tree.set, tree.clear);
  if (error == 0) return;
  Error failure = mount_error(mount, "", error);
  if (error == EINVAL) failure.hint("nothing may be mounted there");
  if (error == EPERM) failure.hint("flags of a mount from a more privileged user namespace can't be cleared");
  if (error == EBUSY) failure.hint("a file on it is open for writing");
  throw failure;
}

}  // namespace

void remount(InitContext& context, const step::Mount& mount) {
  const int flags = O_PATH | (mount.options.dest_nofollow ? O_NOFOLLOW : 0);
  sys::FdResult fd = sys::try_open_in_root(context.root, mount.target, flags);
  if (!fd) throw mount_error(mount, "", fd.error_number);
  if (changes_superblock(mount)) reconfigure(context, mount, fd.fd);
  change_attributes(context, mount, fd.fd);
  apply_propagation(context, mount, fd.fd);
}

}  // namespace ocx::runtime
