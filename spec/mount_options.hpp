// The option table of config.md, "Linux mount options": one constexpr table for parser, features and tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ocx::spec {

/// MOUNT_ATTR_* bits to set and to clear (mount_setattr(2)). A set atime mode always has MOUNT_ATTR__ATIME in
/// clear.
struct MountAttributes {
  std::uint64_t set = 0, clear = 0;
  bool empty() const { return set == 0 && clear == 0; }
  bool operator==(const MountAttributes&) const = default;
};

/// One mount's options, sorted by who executes them.
struct MountOptions {
  bool bind = false, recursive_bind = false, remount = false;
  MountAttributes attributes;            // of this mount
  MountAttributes recursive_attributes;  // rro, rnosuid, …: of the whole tree
  std::uint64_t superblock_set = 0,
                superblock_clear =
                    0;  // MS_SYNCHRONOUS, MS_DIRSYNC, MS_MANDLOCK, MS_I_VERSION, MS_LAZYTIME, MS_SILENT
  std::vector<std::uint64_t> propagation;  // MS_SHARED …, with MS_REC for the r-forms, in the order given
  bool tmpcopyup = false, copy_symlink = false, src_nofollow = false, dest_nofollow = false;
  bool idmap = false, idmap_recursive = false;
  std::string idmap_arguments;  // crun's inline "uids=…;gids=…"
  std::size_t idmap_index = 0;  // position of that option, for the error's origin
  struct Data {
    std::string text;   // "size=1m": for the file system, as written
    std::size_t index;  // position in options, for the error's origin
    // In no options: linux.mountLabel's, and what the plan adds of itself.
    static constexpr std::size_t of_mount_label = ~std::size_t{0};
    static constexpr std::size_t of_plan = ~std::size_t{1};
  };
  std::vector<Data> data;
};

MountOptions parse_mount_options(const std::vector<std::string>& options);

/// The recognised option names, sorted, as `features` lists them.
std::vector<std::string_view> mount_option_names();

}  // namespace ocx::spec
