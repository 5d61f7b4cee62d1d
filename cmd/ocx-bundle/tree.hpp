// A root file system under construction. Whatever the entries say, nothing outside of it is touched: each
// name is resolved below a descriptor of the root, without following symbolic links of its own archive.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_set>

#include "cmd/ocx-bundle/entry.hpp"
#include "cmd/ocx-bundle/meter.hpp"
#include "sys/fd.hpp"

namespace ocx::bundle {

/// What ".wh." at the beginning of a name means.
enum class Whiteouts { are_names, hide };

class Tree {
 public:
  /// `root`: an empty directory. `keep_owners`: owners and devices are as the entries say, which takes
  /// root; else all is the caller's.
  Tree(sys::FdRef root, Meter& meter, bool keep_owners);
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  /// Puts the entries on top of what is there. Errors name the entry.
  void add(EntrySource& source, Whiteouts whiteouts);
  /// Owner, mode, time and attributes of directories, which wait until nothing is put into them any more.
  void finish();

 private:
  /// The directory an entry is in, and its name there.
  struct Place {
    sys::FdRef directory;
    std::string name, path;
  };

  void add_entry(const Entry& entry, EntrySource& source, Whiteouts whiteouts);
  bool add_whiteout(const std::string& path);
  void add_directory(const Place& place, const Entry& entry);
  void add_file(const Place& place, const Entry& entry, EntrySource& source);
  void add_symlink(const Place& place, const Entry& entry);
  void add_hardlink(const Place& place, const Entry& entry);
  void add_special(const Place& place, const Entry& entry);

  void add_root(const Entry& entry);
  Place place_of(const std::string& path);
  sys::FdRef open_parent(const std::string& path);
  sys::UniqueFd open_directory(const std::string& path, bool make);
  sys::UniqueFd find_directory(const std::string& path);
  sys::UniqueFd open_through_links(const std::string& path);
  sys::UniqueFd open_to_finish(const std::string& path) const;
  void finish_directory(sys::FdRef directory, const Entry& entry);
  void remove(const Place& place);
  void remove_older(const std::string& path);
  void remove_older_children(const std::string& path);
  void remember(const std::string& path);

  void write_content(sys::FdRef file, const Entry& entry, EntrySource& source);
  void set_owner(sys::FdRef fd, const Entry& entry) const;
  void set_owner(const Place& place, const Entry& entry) const;
  void set_xattrs(sys::FdRef fd, const Entry& entry);
  void warn_once(const std::string& key, const std::string& message);

  sys::FdRef root_;
  Meter& meter_;
  bool keep_owners_;
  std::string parent_path_;  // of parent_, which most entries share with the one before
  sys::UniqueFd parent_;
  std::map<std::string, Entry> directories_;
  bool whiteouts_hide_ = false;
  std::unordered_set<std::string> written_, links_;  // by this archive
  std::set<std::string> warned_;
};

}  // namespace ocx::bundle
