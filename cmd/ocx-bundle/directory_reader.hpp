// The entries of a directory of the host: a root file system that somebody has made there.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cmd/ocx-bundle/entry.hpp"
#include "cmd/ocx-bundle/meter.hpp"
#include "sys/file.hpp"

namespace ocx::bundle {

/// It stays on the file system of `root`: what is mounted below is an empty directory.
class DirectoryReader : public EntrySource {
 public:
  DirectoryReader(sys::FdRef root, Meter& meter);
  bool next(Entry& entry) override;
  bool read(Piece& piece) override;

 private:
  void enter(const std::string& path, sys::FdRef directory);
  void describe(sys::FdRef parent, const std::string& name, const std::string& path, Entry& entry);
  void describe_file(sys::FdRef parent, const std::string& name, const struct ::stat& info, Entry& entry);

  sys::FdRef root_;
  Meter& meter_;
  dev_t device_;
  std::vector<std::string> waiting_;  // paths, the next one last; each directory before its content
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // first names of files with several
  sys::UniqueFd file_;
  off_t begin_ = 0, end_ = 0;  // of the data of file_ that comes next
  std::string buffer_;
};

}  // namespace ocx::bundle
