#include "spec/mount_options.hpp"

#include <linux/mount.h>

#include <algorithm>
#include <iterator>

namespace ocx::spec {
namespace {

/// What an option does; `bits` is what it does it with.
enum class Effect {
  set,               // MOUNT_ATTR_* of this mount
  clear,             //
  atime,             // one of the atime modes, which are an enumeration and no bits
  not_atime,         // back to the kernel's default, if that mode was the choice
  set_tree,          // the four above, of the mounts below too
  clear_tree,        //
  atime_tree,        //
  not_atime_tree,    //
  set_superblock,    // MS_*
  clear_superblock,  //
  propagation,       // MS_SHARED and the like, with MS_REC
  bind,              //
  rbind,             //
  remount,           //
  tmpcopyup,         // crun's and runc's own
  copy_symlink,      //
  src_nofollow,      //
  dest_nofollow,     //
  idmap,             //
  ridmap,            //
  nothing,           // `defaults`
};

struct Row {
  std::string_view name;
  Effect effect = Effect::nothing;
  std::uint64_t bits = 0;
};

// Sorted by name: `features` prints this order, and the lookup bisects.
constexpr Row rows[] = {
    {"async", Effect::clear_superblock, MS_SYNCHRONOUS},
    {"atime", Effect::not_atime, MOUNT_ATTR_NOATIME},
    {"bind", Effect::bind},
    {"copy-symlink", Effect::copy_symlink},
    {"defaults", Effect::nothing},
    {"dest-nofollow", Effect::dest_nofollow},
    {"dev", Effect::clear, MOUNT_ATTR_NODEV},
    {"diratime", Effect::clear, MOUNT_ATTR_NODIRATIME},
    {"dirsync", Effect::set_superblock, MS_DIRSYNC},
    {"exec", Effect::clear, MOUNT_ATTR_NOEXEC},
    {"idmap", Effect::idmap},
    {"iversion", Effect::set_superblock, MS_I_VERSION},
    {"lazytime", Effect::set_superblock, MS_LAZYTIME},
    {"loud", Effect::clear_superblock, MS_SILENT},
    {"mand", Effect::set_superblock, MS_MANDLOCK},
    {"noatime", Effect::atime, MOUNT_ATTR_NOATIME},
    {"nodev", Effect::set, MOUNT_ATTR_NODEV},
    {"nodiratime", Effect::set, MOUNT_ATTR_NODIRATIME},
    {"noexec", Effect::set, MOUNT_ATTR_NOEXEC},
    {"noiversion", Effect::clear_superblock, MS_I_VERSION},
    {"nolazytime", Effect::clear_superblock, MS_LAZYTIME},
    {"nomand", Effect::clear_superblock, MS_MANDLOCK},
    {"norelatime", Effect::not_atime, MOUNT_ATTR_RELATIME},
    {"nostrictatime", Effect::not_atime, MOUNT_ATTR_STRICTATIME},
    {"nosuid", Effect::set, MOUNT_ATTR_NOSUID},
    {"nosymfollow", Effect::set, MOUNT_ATTR_NOSYMFOLLOW},
    {"private", Effect::propagation, MS_PRIVATE},
    {"ratime", Effect::not_atime_tree, MOUNT_ATTR_NOATIME},
    {"rbind", Effect::rbind},
    {"rdev", Effect::clear_tree, MOUNT_ATTR_NODEV},
    {"rdiratime", Effect::clear_tree, MOUNT_ATTR_NODIRATIME},
    {"relatime", Effect::atime, MOUNT_ATTR_RELATIME},
    {"remount", Effect::remount},
    {"rexec", Effect::clear_tree, MOUNT_ATTR_NOEXEC},
    {"ridmap", Effect::ridmap},
    {"rnoatime", Effect::atime_tree, MOUNT_ATTR_NOATIME},
    {"rnodev", Effect::set_tree, MOUNT_ATTR_NODEV},
    {"rnodiratime", Effect::set_tree, MOUNT_ATTR_NODIRATIME},
    {"rnoexec", Effect::set_tree, MOUNT_ATTR_NOEXEC},
    {"rnorelatime", Effect::not_atime_tree, MOUNT_ATTR_RELATIME},
    {"rnostrictatime", Effect::not_atime_tree, MOUNT_ATTR_STRICTATIME},
    {"rnosuid", Effect::set_tree, MOUNT_ATTR_NOSUID},
    {"rnosymfollow", Effect::set_tree, MOUNT_ATTR_NOSYMFOLLOW},
    {"ro", Effect::set, MOUNT_ATTR_RDONLY},
    {"rprivate", Effect::propagation, MS_PRIVATE | MS_REC},
    {"rrelatime", Effect::atime_tree, MOUNT_ATTR_RELATIME},
    {"rro", Effect::set_tree, MOUNT_ATTR_RDONLY},
    {"rrw", Effect::clear_tree, MOUNT_ATTR_RDONLY},
    {"rshared", Effect::propagation, MS_SHARED | MS_REC},
    {"rslave", Effect::propagation, MS_SLAVE | MS_REC},
    {"rstrictatime", Effect::atime_tree, MOUNT_ATTR_STRICTATIME},
    {"rsuid", Effect::clear_tree, MOUNT_ATTR_NOSUID},
    {"rsymfollow", Effect::clear_tree, MOUNT_ATTR_NOSYMFOLLOW},
    {"runbindable", Effect::propagation, MS_UNBINDABLE | MS_REC},
    {"rw", Effect::clear, MOUNT_ATTR_RDONLY},
    {"shared", Effect::propagation, MS_SHARED},
    {"silent", Effect::set_superblock, MS_SILENT},
    {"slave", Effect::propagation, MS_SLAVE},
    {"src-nofollow", Effect::src_nofollow},
    {"strictatime", Effect::atime, MOUNT_ATTR_STRICTATIME},
    {"suid", Effect::clear, MOUNT_ATTR_NOSUID},
    {"symfollow", Effect::clear, MOUNT_ATTR_NOSYMFOLLOW},
    {"sync", Effect::set_superblock, MS_SYNCHRONOUS},
    {"tmpcopyup", Effect::tmpcopyup},
    {"unbindable", Effect::propagation, MS_UNBINDABLE},
};
static_assert(std::is_sorted(std::begin(rows), std::end(rows),
                             [](const Row& left, const Row& right) { return left.name < right.name; }));

const Row* find_row(std::string_view name) {
  const Row* row =
      std::lower_bound(std::begin(rows), std::end(rows), name,
                       [](const Row& candidate, std::string_view wanted) { return candidate.name < wanted; });
  return row != std::end(rows) && row->name == name ? row : nullptr;
}

/// The later option wins, so a bit is never in both masks (but the atime mask, which the kernel wants whole).
void change(std::uint64_t& to, std::uint64_t& from, std::uint64_t bits) {
  to |= bits;
  from &= ~bits;
}

/// mount_setattr(2): an atime mode is set only together with all of MOUNT_ATTR__ATIME in attr_clr.
void choose_atime(MountAttributes& attributes, std::uint64_t mode) {
  attributes.set = (attributes.set & ~std::uint64_t{MOUNT_ATTR__ATIME}) | mode;
  attributes.clear |= MOUNT_ATTR__ATIME;
}

/// `atime` undoes noatime, but not strictatime; mount(8).
void drop_atime(MountAttributes& attributes, std::uint64_t mode) {
  const std::uint64_t chosen = attributes.set & MOUNT_ATTR__ATIME;
  if (chosen == 0 || chosen == mode) choose_atime(attributes, MOUNT_ATTR_RELATIME);
}

void apply(MountOptions& options, const Row& row) {
  MountAttributes& own = options.attributes;
  MountAttributes& tree = options.recursive_attributes;
  switch (row.effect) {
    case Effect::set:
      return change(own.set, own.clear, row.bits);
    case Effect::clear:
      return change(own.clear, own.set, row.bits);
    case Effect::atime:
      return choose_atime(own, row.bits);
    case Effect::not_atime:
      return drop_atime(own, row.bits);
    case Effect::set_tree:
      return change(tree.set, tree.clear, row.bits);
    case Effect::clear_tree:
      return change(tree.clear, tree.set, row.bits);
    case Effect::atime_tree:
      return choose_atime(tree, row.bits);
    case Effect::not_atime_tree:
      return drop_atime(tree, row.bits);
    case Effect::set_superblock:
      return change(options.superblock_set, options.superblock_clear, row.bits);
    case Effect::clear_superblock:
      return change(options.superblock_clear, options.superblock_set, row.bits);
    case Effect::propagation:
      return options.propagation.push_back(row.bits);
    case Effect::rbind:
      options.recursive_bind = true;
      [[fallthrough]];
    case Effect::bind:
      options.bind = true;
      return;
    case Effect::remount:
      options.remount = true;
      return;
    case Effect::tmpcopyup:
      options.tmpcopyup = true;
      return;
    case Effect::copy_symlink:
      options.copy_symlink = true;
      return;
    case Effect::src_nofollow:
      options.src_nofollow = true;
      return;
    case Effect::dest_nofollow:
      options.dest_nofollow = true;
      return;
    case Effect::ridmap:
      options.idmap_recursive = true;
      [[fallthrough]];
    case Effect::idmap:
      options.idmap = true;
      return;
    case Effect::nothing:
      return;
  }
}

/// crun's inline form, `idmap=uids=…;gids=…`: the only option of the table that takes a value.
bool apply_inline_idmap(MountOptions& options, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size()) return false;
  const Row* row = find_row(text.substr(0, equals));
  if (row == nullptr || (row->effect != Effect::idmap && row->effect != Effect::ridmap)) return false;
  apply(options, *row);
  options.idmap_arguments = text.substr(equals + 1);
  return true;
}

}  // namespace

MountOptions parse_mount_options(const std::vector<std::string>& options) {
  MountOptions result;
  for (std::size_t index = 0; index < options.size(); ++index) {
    const std::string& text = options[index];
    if (const Row* row = find_row(text))
      apply(result, *row);
    else if (!apply_inline_idmap(result, text))
      result.data.push_back({text, index});
    if (text.starts_with("idmap") || text.starts_with("ridmap")) result.idmap_index = index;
  }
  return result;
}

std::vector<std::string_view> mount_option_names() {
  std::vector<std::string_view> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

}  // namespace ocx::spec
