#include "cmd/ocx-bundle/directory_reader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "sys/beneath.hpp"
#include "sys/error.hpp"
#include "sys/inode.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr off_t chunk = 1 << 20;

EntryType type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EntryType::file;
    case S_IFDIR:
      return EntryType::directory;
    case S_IFLNK:
      return EntryType::symlink;
    case S_IFCHR:
      return EntryType::character_device;
    case S_IFBLK:
      return EntryType::block_device;
    case S_IFIFO:
      return EntryType::fifo;
    default:
      return EntryType::other;
  }
}

void read_xattrs(sys::FdRef fd, Entry& entry) {
  for (const std::string& name : sys::list_xattrs(fd))
    // Labels are the host's, and not the bundle's.
    if (name.starts_with("user.") || name.starts_with("system.posix_acl_") || name == "security.capability")
      if (auto value = sys::read_xattr(fd, name)) entry.xattrs.emplace_back(name, std::move(*value));
}

}  // namespace

DirectoryReader::DirectoryReader(sys::FdRef root, Meter& meter)
    : root_(root), meter_(meter), device_(sys::fstat(root).st_dev), waiting_{""} {}

bool DirectoryReader::next(Entry& entry) {
  if (waiting_.empty()) return false;
  const std::string path = std::move(waiting_.back());
  waiting_.pop_back();
  file_.reset();
  const std::size_t slash = path.rfind('/');
  const std::string above = slash == std::string::npos ? "" : path.substr(0, slash);
  sys::FdResult parent = above.empty() ? sys::try_openat(root_, ".", O_PATH | O_DIRECTORY)
                                       : sys::try_open_beneath(root_, above, O_PATH | O_DIRECTORY);
  if (!parent) throw_errno("open directory " + sys::quote(above), parent.error_number);
  describe(parent.fd, path.empty() ? "." : path.substr(slash + 1), path, entry);
  return true;
}

void DirectoryReader::describe(sys::FdRef parent, const std::string& name, const std::string& path,
                               Entry& entry) {
  const auto info = sys::fstatat(parent, name, AT_SYMLINK_NOFOLLOW);
  if (!info) throw_errno("stat " + sys::quote(path), ENOENT);
  entry = Entry{};
  entry.type = type_of(info->st_mode);
  entry.name = path.empty() ? "./" : path;
  entry.mode = info->st_mode & 07777;
  entry.uid = info->st_uid;
  entry.gid = info->st_gid;
  entry.time = info->st_mtim;
  entry.device = info->st_rdev;
  if (entry.type == EntryType::symlink) entry.target = sys::readlinkat(parent, name);
  if (entry.type == EntryType::directory) {
    const sys::UniqueFd directory = sys::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    read_xattrs(directory, entry);
    if (info->st_dev == device_) enter(path, directory);
  }
  if (entry.type == EntryType::file) describe_file(parent, name, *info, entry);
}

void DirectoryReader::describe_file(sys::FdRef parent, const std::string& name, const struct ::stat& info,
                                    Entry& entry) {
  if (info.st_nlink > 1) {
    const auto [first, is_new] = linked_.try_emplace({info.st_dev, info.st_ino}, entry.name);
    if (!is_new) {
      entry.type = EntryType::hardlink;
      entry.target = first->second;
      return;
    }
  }
  // O_NONBLOCK: if it is no file any more, nobody waits for the other end of a pipe.
  file_ = sys::openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!S_ISREG(sys::fstat(file_).st_mode)) throw Error(sys::quote(entry.name) + " was exchanged");
  entry.size = info.st_size;
  begin_ = end_ = 0;
  read_xattrs(file_, entry);
}

void DirectoryReader::enter(const std::string& path, sys::FdRef directory) {
  std::vector<std::string> names = sys::list_directory(directory);
  std::sort(names.begin(), names.end(), std::greater<>());
  for (const std::string& name : names) waiting_.push_back(path.empty() ? name : path + "/" + name);
}

bool DirectoryReader::read(Piece& piece) {
  if (!file_) return false;
  if (begin_ == end_ && !sys::next_data(file_, begin_, end_)) return false;
  buffer_ = sys::read_at(file_, static_cast<std::size_t>(std::min(end_ - begin_, chunk)), begin_);
  if (buffer_.empty()) return false;  // it became shorter
  piece = {begin_, buffer_};
  begin_ += static_cast<off_t>(buffer_.size());
  meter_.add_bytes(buffer_.size());
  return true;
}

}  // namespace ocx::bundle
