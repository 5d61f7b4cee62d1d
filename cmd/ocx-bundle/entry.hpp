// What a root file system is made of, one entry after the other, whatever it comes from.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ocx::bundle {

enum class EntryType { file, directory, symlink, hardlink, character_device, block_device, fifo, other };

struct Entry {
  EntryType type = EntryType::file;
  std::string name = {};    // as the source has it; nothing about it is to be trusted
  std::string target = {};  // of links
  mode_t mode = 0;          // permission bits with setuid, setgid, sticky
  std::int64_t uid = 0, gid = 0;
  struct ::timespec time {};  // of the last modification
  dev_t device = 0;
  std::int64_t size = 0;  // of files
  std::vector<std::pair<std::string, std::string>> xattrs = {};
};

/// A piece of a file's content. What is in no piece is a hole.
struct Piece {
  std::int64_t offset = 0;
  std::string_view data;  // until the next call
};

class EntrySource {
 public:
  EntrySource() = default;
  EntrySource(const EntrySource&) = delete;
  EntrySource& operator=(const EntrySource&) = delete;
  virtual ~EntrySource() = default;
  /// False: there are no more.
  virtual bool next(Entry& entry) = 0;
  /// The next piece of the file that next() gave; false: that was all of it.
  virtual bool read(Piece& piece) = 0;
};

}  // namespace ocx::bundle
