// Where the entries of a tree go, and what is removed for them.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cmd/ocx-bundle/tree.hpp"
#include "spec/archive_name.hpp"
#include "sys/beneath.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/remove_tree.hpp"
#include "sys/root_path.hpp"
#include "sys/text.hpp"

namespace ocx::bundle {
namespace {

constexpr int directory_flags = O_PATH | O_DIRECTORY;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace

Tree::Place Tree::place_of(const std::string& path) {
  return {open_parent(parent_of(path)), name_of(path), path};
}

sys::FdRef Tree::open_parent(const std::string& path) {
  if (path.empty()) return root_;
  if (!parent_ || path != parent_path_) {
    parent_ = open_directory(path, true);
    parent_path_ = path;
  }
  return parent_;
}

sys::UniqueFd Tree::open_directory(const std::string& path, bool make) {
  if (path.empty()) return sys::openat(root_, ".", directory_flags);
  sys::FdResult result =
      make ? sys::try_make_beneath(root_, path, 0755) : sys::try_open_beneath(root_, path, directory_flags);
  if (result.error_number == ELOOP) return open_through_links(path);
  if (!result) throw_errno("directory " + sys::quote(path), result.error_number);
  return std::move(result.fd);
}

/// Nothing where there is no such directory.
sys::UniqueFd Tree::find_directory(const std::string& path) {
  try {
    return open_directory(path, false);
  } catch (const Error& error) {
    if (error.error_number() != ENOENT && error.error_number() != ENOTDIR) throw;
    return {};
  }
}

/// An upper layer may say lib/x where a lower one has made lib a link to usr/lib: that is inside of the root
/// file system in any case. Within one archive nobody writes such a name but an attacker.
sys::UniqueFd Tree::open_through_links(const std::string& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    if (links_.contains(path.substr(0, end)))
      throw Error("it leads through " + sys::quote(path.substr(0, end)) +
                  ", a symbolic link of the same archive");
  }
  if (!whiteouts_hide_) throw Error(sys::quote(path) + " leads through a symbolic link");
  return sys::make_directories_in_root(root_, path);
}

sys::UniqueFd Tree::open_to_finish(const std::string& path) const {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  sys::FdResult directory = sys::try_open_beneath(root_, path, flags);
  if (directory.error_number == ELOOP) directory = sys::try_open_in_root(root_, path, flags);
  // A layer above has put something else there.
  const bool gone = directory.error_number == ENOENT || directory.error_number == ENOTDIR ||
                    directory.error_number == ELOOP;
  if (!directory && !gone) throw_errno("open directory " + sys::quote(path), directory.error_number);
  return std::move(directory.fd);
}

void Tree::remove(const Place& place) {
  const std::string below = place.path + "/";
  directories_.erase(place.path);
  directories_.erase(directories_.lower_bound(below), directories_.lower_bound(place.path + "0"));  // '/' + 1
  links_.erase(place.path);
  sys::remove_tree(place.directory, place.name);
  parent_path_.clear();  // it may be what went; place.directory can be parent_, so that stays open
}

void Tree::remember(const std::string& path) {
  if (!whiteouts_hide_) return;
  for (std::string at = path; !at.empty() && written_.insert(at).second;) at = parent_of(at);
}

bool Tree::add_whiteout(const std::string& path) {
  const spec::Whiteout whiteout = spec::whiteout_of(path);
  switch (whiteout.kind) {
    case spec::Whiteout::Kind::none:
      return false;
    case spec::Whiteout::Kind::aufs:
      break;
    case spec::Whiteout::Kind::entry:
      remove_older(whiteout.directory.empty() ? whiteout.name : whiteout.directory + "/" + whiteout.name);
      break;
    case spec::Whiteout::Kind::opaque:
      remove_older_children(whiteout.directory);
      break;
  }
  return true;
}

/// layer.md: a whiteout hides what is in the layers below, wherever in its own archive it stands.
void Tree::remove_older(const std::string& path) {
  if (written_.contains(path)) return remove_older_children(path);
  const sys::UniqueFd directory = find_directory(parent_of(path));
  if (directory) remove(Place{directory, name_of(path), path});
}

void Tree::remove_older_children(const std::string& path) {
  std::vector<std::string> names;
  {
    const sys::UniqueFd directory = find_directory(path);
    if (!directory) return;
    names = sys::list_directory(directory);
  }
  for (const std::string& name : names) remove_older(path.empty() ? name : path + "/" + name);
}

}  // namespace ocx::bundle
