#include "cmd/ocx-bundle/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr std::size_t block = 512;

std::string text(const char* string) {
  return string == nullptr ? "" : string;
}

EntryType type_of(archive_entry* entry) {
  if (::archive_entry_hardlink(entry) != nullptr) return EntryType::hardlink;
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return EntryType::file;
    case AE_IFDIR:
      return EntryType::directory;
    case AE_IFLNK:
      return EntryType::symlink;
    case AE_IFCHR:
      return EntryType::character_device;
    case AE_IFBLK:
      return EntryType::block_device;
    case AE_IFIFO:
      return EntryType::fifo;
    default:
      return EntryType::other;
  }
}

void read_xattrs(archive_entry* from, Entry& to) {
  to.xattrs.clear();
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  ::archive_entry_xattr_reset(from);
  while (::archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK)
    if (name != nullptr) to.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  // The one of `tar --acls`, under the name that the kernel has for it; its content is of no use.
  if (::archive_entry_acl_types(from) != 0) to.xattrs.emplace_back("system.posix_acl_access", "");
}

}  // namespace

std::string_view TarReader::Tail::read() {
  const std::string_view data = inner_.read();
  if (data.empty()) ended_ = true;
  last_.append(data.substr(data.size() - std::min(data.size(), block)));
  if (last_.size() > block) last_.erase(0, last_.size() - block);
  return data;
}

// tar(5): the end is marked by blocks of zeros. Without them there was more once.
bool TarReader::Tail::is_cut_off() const {
  return ended_ && std::any_of(last_.begin(), last_.end(), [](char c) { return c != '\0'; });
}

TarReader::TarReader(Stream& input) : tail_(input), reader_(tail_) {
  reader_.check(::archive_read_support_format_tar(reader_.get()));
  try {
    reader_.open();
  } catch (const Error&) {
    throw Error("it is no tar archive, compressed by gzip, xz, zstd or bzip2 or not");
  }
}

bool TarReader::next(Entry& entry) {
  archive_entry* header = nullptr;
  if (!reader_.check(::archive_read_next_header(reader_.get(), &header))) {
    if (tail_.is_cut_off()) throw Error("the archive is cut off: the end mark is missing");
    return false;
  }
  entry.type = type_of(header);
  entry.name = text(::archive_entry_pathname(header));
  const bool is_hardlink = entry.type == EntryType::hardlink;
  entry.target = text(is_hardlink ? ::archive_entry_hardlink(header) : ::archive_entry_symlink(header));
  entry.mode = ::archive_entry_perm(header) & 07777;
  entry.uid = ::archive_entry_uid(header);
  entry.gid = ::archive_entry_gid(header);
  entry.time = {::archive_entry_mtime(header),
                std::clamp(::archive_entry_mtime_nsec(header), 0L, 999'999'999L)};
  entry.device = ::archive_entry_rdev(header);
  entry.size = ::archive_entry_size(header);
  read_xattrs(header, entry);
  return true;
}

bool TarReader::read(Piece& piece) {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  if (!reader_.check(::archive_read_data_block(reader_.get(), &data, &size, &offset))) return false;
  piece = {offset, {static_cast<const char*>(data), size}};
  return true;
}

}  // namespace ocx::bundle
