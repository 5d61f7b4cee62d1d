#include "cmd/ocx-bundle/tree.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "spec/archive_name.hpp"
#include "sys/beneath.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/inode.hpp"
#include "sys/log.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

/// What the host's kernel or security module acts on, or an overlay that this tree is a layer of, is no
/// business of an archive: user.* and capabilities of programs are.
bool is_kept(const std::string& xattr) {
  return xattr == "security.capability" ||
         (xattr.starts_with("user.") && !xattr.starts_with("user.overlay."));
}

/// (uid_t)-1 would leave the owner as it is.
uid_t checked_id(std::int64_t id) {
  if (id < 0 || id >= 0xffffffffLL) throw Error("owner " + std::to_string(id) + " is no id");
  return static_cast<uid_t>(id);
}

/// Root of a user namespace can't give files to everybody.
Error with_remedy(Error error) {
  if (error.error_number() == EINVAL)
    error.hint("this user namespace does not map that owner: map it, or make the bundle outside of it");
  return error;
}

mode_t special_type(EntryType type) {
  if (type == EntryType::fifo) return S_IFIFO;
  return type == EntryType::block_device ? S_IFBLK : S_IFCHR;
}

/// Calls what makes an entry; `remove` first where another is in the way.
template <class Make, class Remove>
int make_in_place(Make make, Remove remove) {
  int error = make();
  if (error != EEXIST) return error;
  remove();
  return make();
}

}  // namespace

Tree::Tree(sys::FdRef root, Meter& meter, bool keep_owners)
    : root_(root), meter_(meter), keep_owners_(keep_owners) {}

void Tree::add(EntrySource& source, Whiteouts whiteouts) {
  whiteouts_hide_ = whiteouts == Whiteouts::hide;
  written_.clear();
  links_.clear();
  const sys::ScopedUmask exact(0);
  for (Entry entry; source.next(entry);) {
    meter_.add_entry();
    try {
      add_entry(entry, source, whiteouts);
    } catch (Error& error) {
      throw error.in("entry " + sys::quote(entry.name));
    }
  }
}

void Tree::add_entry(const Entry& entry, EntrySource& source, Whiteouts whiteouts) {
  const std::string path = spec::archive_name(entry.name);
  if (path.empty()) return add_root(entry);
  if (whiteouts == Whiteouts::hide && add_whiteout(path)) return;
  const Place place = place_of(path);
  remember(path);
  switch (entry.type) {
    case EntryType::directory:
      return add_directory(place, entry);
    case EntryType::file:
      return add_file(place, entry, source);
    case EntryType::symlink:
      return add_symlink(place, entry);
    case EntryType::hardlink:
      return add_hardlink(place, entry);
    default:
      return add_special(place, entry);
  }
}

void Tree::add_root(const Entry& entry) {
  if (entry.type != EntryType::directory) throw Error("the root of a file system has to be a directory");
  directories_["."] = entry;
}

void Tree::add_directory(const Place& place, const Entry& entry) {
  int error = sys::try_mkdirat(place.directory, place.name, 0700);
  if (error == EEXIST) {
    const auto there = sys::fstatat(place.directory, place.name, AT_SYMLINK_NOFOLLOW);
    if (!there || !S_ISDIR(there->st_mode)) {
      remove(place);
      error = sys::try_mkdirat(place.directory, place.name, 0700);
    } else {
      error = 0;
    }
  }
  if (error != 0) throw_errno("mkdir", error);
  directories_[place.path] = entry;
}

void Tree::add_file(const Place& place, const Entry& entry, EntrySource& source) {
  sys::FdResult file;
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
  const int error = make_in_place(
      [&] {
        file = sys::try_openat(place.directory, place.name, flags, 0600);
        return file.error_number;
      },
      [&] { remove(place); });
  if (error != 0) throw_errno("create", error);
  write_content(file.fd, entry, source);
  // chown(2) and write(2) take away capabilities and setuid; user.* wants the right to write.
  set_owner(file.fd, entry);
  set_xattrs(file.fd, entry);
  sys::chmod_descriptor(file.fd, entry.mode);
  sys::set_time(file.fd, entry.time);
}

void Tree::write_content(sys::FdRef file, const Entry& entry, EntrySource& source) {
  std::int64_t end = 0;
  for (Piece piece; source.read(piece);) {
    if (piece.data.empty()) continue;
    if (piece.offset < 0) throw Error("a piece of it is before its begin");
    sys::write_all_at(file, piece.data, piece.offset);
    end = std::max(end, piece.offset + static_cast<std::int64_t>(piece.data.size()));
  }
  if (entry.size > end) sys::truncate(file, entry.size);
}

void Tree::add_symlink(const Place& place, const Entry& entry) {
  const int error = make_in_place(
      [&] { return sys::try_symlinkat(entry.target, place.directory, place.name); }, [&] { remove(place); });
  if (error != 0) throw_errno("symlink to " + sys::quote(entry.target), error);
  links_.insert(place.path);
  set_owner(place, entry);
  sys::try_set_timeat(place.directory, place.name, entry.time);
}

void Tree::add_hardlink(const Place& place, const Entry& entry) {
  const std::string target = spec::archive_name(entry.target);
  const std::size_t slash = target.rfind('/');
  if (target.empty()) throw Error("hard link to the root directory");
  const sys::UniqueFd from = open_directory(slash == std::string::npos ? "" : target.substr(0, slash), false);
  const std::string name = slash == std::string::npos ? target : target.substr(slash + 1);
  const int error = make_in_place(
      [&] {
        const int linked = sys::try_linkat(from, name, place.directory, place.name);
        if (linked != EEXIST) return linked;
        const auto there = sys::fstatat(place.directory, place.name, AT_SYMLINK_NOFOLLOW);
        const auto wanted = sys::fstatat(from, name, AT_SYMLINK_NOFOLLOW);
        const bool same =
            there && wanted && there->st_ino == wanted->st_ino && there->st_dev == wanted->st_dev;
        return same ? 0 : EEXIST;
      },
      [&] { remove(place); });
  if (error != 0) throw_errno("hard link to " + sys::quote(entry.target), error);
  if (links_.contains(target)) links_.insert(place.path);
}

void Tree::add_special(const Place& place, const Entry& entry) {
  const bool is_device = entry.type != EntryType::fifo;
  if (entry.type == EntryType::other)
    return warn_once("other",
                     "entry " + sys::quote(entry.name) + ": a socket or of an unknown type, ignoring");
  if (is_device && !keep_owners_)
    return warn_once("devices",
                     "entry " + sys::quote(entry.name) +
                         ": only root can make devices; leaving out this one and others, ignoring");
  const mode_t mode = special_type(entry.type) | entry.mode;
  const int error =
      make_in_place([&] { return sys::try_mknodat(place.directory, place.name, mode, entry.device); },
                    [&] { remove(place); });
  if (is_device && error == EPERM)  // root of a user namespace
    return warn_once("devices", "entry " + sys::quote(entry.name) + ": devices can't be made here, ignoring");
  if (error != 0) throw_errno("mknod", error);
  set_owner(place, entry);
  sys::try_set_timeat(place.directory, place.name, entry.time);
}

void Tree::set_owner(sys::FdRef fd, const Entry& entry) const {
  if (!keep_owners_) return;
  const uid_t uid = checked_id(entry.uid), gid = checked_id(entry.gid);
  try {
    sys::chown_descriptor(fd, uid, gid);
  } catch (const Error& error) {
    throw with_remedy(error);
  }
}

void Tree::set_owner(const Place& place, const Entry& entry) const {
  if (!keep_owners_) return;
  const uid_t uid = checked_id(entry.uid), gid = checked_id(entry.gid);
  const int error = sys::try_chownat(place.directory, place.name, uid, gid);
  if (error != 0)
    throw with_remedy(Error::from_errno("chown " + std::to_string(uid) + ":" + std::to_string(gid), error));
}

void Tree::set_xattrs(sys::FdRef fd, const Entry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    const int error = is_kept(name) ? sys::try_set_xattr(fd, name, value) : EPERM;
    if (error == 0) continue;
    warn_once(name, "entry " + sys::quote(entry.name) + ": extended attribute " + sys::quote(name) +
                        (is_kept(name) ? ": " + errno_text(error) : " is not kept") +
                        ", ignoring it here and elsewhere");
  }
}

void Tree::warn_once(const std::string& key, const std::string& message) {
  if (!warned_.insert(key).second) return;
  meter_.clear();
  sys::log_warning(message);
}

void Tree::finish() {
  directories_.try_emplace(".", Entry{.type = EntryType::directory, .name = "./", .mode = 0755});
  parent_.reset();
  // The deepest first: a mode can close a directory to the user.
  for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) {
    const auto& [path, entry] = *it;
    if (path == ".") continue;
    const sys::UniqueFd directory = open_to_finish(path);
    if (directory) finish_directory(directory, entry);
  }
  finish_directory(sys::openat(root_, ".", O_RDONLY | O_DIRECTORY), directories_["."]);
}

void Tree::finish_directory(sys::FdRef directory, const Entry& entry) {
  try {
    set_owner(directory, entry);
    set_xattrs(directory, entry);
    sys::chmod_descriptor(directory, entry.mode);
    sys::set_time(directory, entry.time);
  } catch (Error& error) {
    throw error.in("entry " + sys::quote(entry.name));
  }
}

}  // namespace ocx::bundle
