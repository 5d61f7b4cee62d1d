#include "cgroups/tree_manager.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "cgroups/device_policy.hpp"
#include "cgroups/members.hpp"
#include "cgroups/path.hpp"
#include "cgroups/setting_writer.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/log.hpp"
#include "sys/rollback.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

constexpr int removal_ms = 10'000;
constexpr int unused_ms = 2'000;
constexpr int kill_rounds = 16;

const sys::FdRef here = sys::FdRef::cwd();

/// The answers of a host that lets the caller make no cgroups: no privilege in them, or mounted read-only (in
/// a container).
bool is_denied(int error_number) {
  return error_number == EACCES || error_number == EPERM || (error_number == EROFS && ::geteuid() != 0);
}

/// What rmdir(2) says of a cgroup that is in use; kernfs says EBUSY.
bool is_in_use(int error_number) {
  return error_number == EBUSY || error_number == ENOTEMPTY;
}

int remove_directory(const std::string& path) {
  const int error_number = sys::try_unlinkat(here, path, AT_REMOVEDIR);
  return error_number == ENOENT ? 0 : error_number;
}

std::vector<Tree> trees_of(const Paths& paths) {
  std::vector<Tree> trees;
  for (const auto& [controller, directory] : paths) {
    const auto same = [&path = directory](const Tree& tree) { return tree.directory == path; };
    const auto known = std::find_if(trees.begin(), trees.end(), same);
    if (known != trees.end())
      known->controllers.push_back(controller);
    else
      trees.push_back({{controller}, "", directory, controller.empty() || controller == "unified"});
  }
  return trees;
}

/// Directories from the mount point (excluded) to `directory`.
std::size_t depth_below(const std::string& mount_point, const std::string& directory) {
  const auto rest = directory.begin() + static_cast<std::ptrdiff_t>(mount_point.size());
  return static_cast<std::size_t>(std::count(rest, directory.end(), '/'));
}

/// What engines and users know this by.
constexpr const char* no_permission =
    "rootless needs no limits + no cgrouppath when no permission is granted for cgroups";

Versions versions_of(const std::vector<std::vector<Tree>>& lists) {
  Versions result;
  for (const std::vector<Tree>& trees : lists)
    for (const Tree& tree : trees) {
      if (tree.v2)
        result.v2 = true;
      else
        result.v1.insert(result.v1.end(), tree.controllers.begin(), tree.controllers.end());
    }
  return result;
}

}  // namespace

bool Tree::has(const std::string& controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

std::vector<std::string> missing_directories(const std::string& mount_point, const std::string& directory) {
  std::vector<std::string> missing;
  for (std::string path = directory; path != mount_point && is_below(path, mount_point);
       path.erase(path.rfind('/'))) {
    if (sys::fstatat(here, path)) break;
    missing.push_back(path);
  }
  std::reverse(missing.begin(), missing.end());
  return missing;
}

long flat_value(std::string_view text, std::string_view key) {
  for (const std::string& line : sys::split(text, '\n')) {
    if (line.size() <= key.size() || line.compare(0, key.size(), key) != 0 || line[key.size()] != ' ')
      continue;
    return static_cast<long>(sys::parse_int(std::string_view(line).substr(key.size() + 1)).value_or(0));
  }
  return 0;
}

TreeManager::TreeManager(std::vector<Tree> trees, bool optional)
    : trees_(std::move(trees)), optional_(optional) {
  index_paths();
  for (const Tree& tree : trees_)
    for (std::string& path : missing_directories(tree.mount_point, tree.directory))
      made_.push_back(std::move(path));
}

TreeManager::TreeManager(const Paths& paths, const std::vector<std::string>& made)
    : trees_(trees_of(paths)), paths_(paths), made_(made), entered_(true) {}

void TreeManager::index_paths() {
  paths_.clear();
  for (const Tree& tree : trees_)
    for (const std::string& controller : tree.controllers) paths_[controller] = tree.directory;
}

void TreeManager::create() {
  const std::vector<std::string> planned = std::exchange(made_, {});
  sys::Rollback undo;
  undo.arm([this] {
    for (auto path = made_.rbegin(); path != made_.rend(); ++path) remove_directory(*path);
    made_.clear();
  });
  std::vector<Tree> usable;
  for (const Tree& tree : trees_) (make_or_drop(tree, planned) ? usable : denied_).push_back(tree);
  undo.commit();
  entered_ = true;
  if (usable.size() == trees_.size()) return;
  trees_ = std::move(usable);
  index_paths();
}

bool TreeManager::make_or_drop(const Tree& tree, const std::vector<std::string>& planned) {
  try {
    make(tree, planned);
    return true;
  } catch (const Error& error) {
    if (!optional_ || !is_denied(error.error_number())) throw;
    sys::log_debug(std::string(error.what()) + ", doing without");
    return false;
  }
}

void TreeManager::make(const Tree& tree, const std::vector<std::string>& planned) {
  std::vector<std::string> made;
  for (const std::string& path : planned) {
    if (!is_below(path, tree.mount_point) || !is_below(tree.directory, path)) continue;
    const int error_number = sys::try_mkdirat(here, path, 0755);
    if (error_number == EEXIST) continue;  // somebody was faster: then it is not ours
    if (error_number != 0) {
      Error error = Error::from_errno("mkdir " + sys::quote(path), error_number);
      if (!optional_ && is_denied(error_number) && ::geteuid() != 0) error.hint(no_permission);
      throw optional_ ? error : error.at("/linux/cgroupsPath");
    }
    made_.push_back(path);
    made.push_back(path);
  }
  const bool existed = made.empty() || made.back() != tree.directory;
  if (existed) check_unused(tree);
  if (existed || made.size() < depth_below(tree.mount_point, tree.directory)) check_thawed(tree);
  configure(tree, made);
}

void TreeManager::check_unused(const Tree& tree) const {
  const std::size_t count = members_of({tree.directory}).size();
  if (count == 0) return;
  throw Error("container's cgroup is not empty: " + std::to_string(count) + " process(es) found in " +
              sys::quote(tree.directory));
}

void TreeManager::attach(int pid) {
  const std::string text = std::to_string(pid);
  for (const Tree& tree : trees_) sys::write_file(here, tree.directory + "/cgroup.procs", text);
}

const Tree* TreeManager::find(const std::string& controller) const {
  for (const Tree& tree : trees_)
    if (tree.has(controller)) return &tree;
  return nullptr;
}

std::vector<std::string> TreeManager::directories() const {
  std::vector<std::string> result;
  for (const Tree& tree : trees_) result.push_back(tree.directory);
  return result;
}

std::vector<int> TreeManager::processes() const {
  return members_of(directories());
}

void TreeManager::update(const spec::Resources& resources) {
  spec::Resources limits = resources;
  limits.devices.clear();
  for (const std::string& warning : check_resources(limits, versions())) sys::log_warning(warning);
  SettingWriter(trees_, made_).update(settings_of(limits, versions()));
}

void TreeManager::refuse_denied(const spec::Resources& resources) const {
  if (denied_.empty()) return;
  const auto is_missing = [this](const Setting& setting) {
    return setting.missing == Setting::Missing::error &&
           std::any_of(denied_.begin(), denied_.end(),
                       [&](const Tree& tree) { return setting.v2 ? tree.v2 : tree.has(setting.controller); });
  };
  const std::vector<Setting> settings = settings_of(resources, versions_of({trees_, denied_}));
  const auto found = std::find_if(settings.begin(), settings.end(), is_missing);
  if (found != settings.end())
    throw Error(no_permission, ErrorKind::unsupported)
        .at(found->origin)
        .hint(
            "have a cgroup delegated to you: with systemd --systemd-cgroup, or run ocx in a unit with "
            "Delegate=yes");
  if (find("devices") == nullptr && find("unified") == nullptr && find("") == nullptr)
    do_without_devices(resources.devices, Error(no_permission));
}

void TreeManager::apply_limits(const spec::Resources& resources) const {
  refuse_denied(resources);
  SettingWriter(trees_, made_).apply(settings_of(resources, versions()));
}

Versions TreeManager::versions() const {
  return versions_of({trees_});
}

/// cgroup.kill (Linux 5.14) takes the whole v2 tree at once, frozen or not. True when it reached every
/// member.
bool TreeManager::kill_by_file() const {
  bool all = true;
  for (const Tree& tree : trees_)
    if (!tree.v2 || sys::try_write_file(here, tree.directory + "/cgroup.kill", "1") != 0) all = false;
  return all;
}

void TreeManager::kill_all() {
  if (kill_by_file()) return;
  // Frozen tasks can't fork. One in the middle of a fork may add a child after the list was read: it is in
  // the next round's.
  std::vector<int> killed;
  for (int round = 0; round < kill_rounds; ++round) {
    request_freeze();
    const std::vector<int> members = processes();
    signal_members(directories(), SIGKILL);
    thaw();  // a v1 freezer keeps even SIGKILL waiting
    if (std::includes(killed.begin(), killed.end(), members.begin(), members.end())) return;
    killed = members;
  }
}

void TreeManager::signal_all(int signal) {
  signal_members(directories(), signal);
}

bool TreeManager::is_leaf(const std::string& directory) const {
  return std::any_of(trees_.begin(), trees_.end(),
                     [&](const Tree& tree) { return tree.directory == directory; });
}

bool TreeManager::is_made(const std::string& directory) const {
  return std::find(made_.begin(), made_.end(), directory) != made_.end();
}

/// Removes one directory of the container, as often as it takes. Returns 0, or the errno of a cgroup still in
/// use when the time is over.
int TreeManager::remove_leaf(const std::string& directory, const sys::Deadline& deadline, bool kill) {
  int error_number = remove_directory(directory);
  sys::Backoff backoff;
  while (is_in_use(error_number) && !deadline.passed()) {
    if (kill) kill_all();
    const bool empty = wait_until_empty(deadline);
    remove_descendants(directory);
    error_number = remove_directory(directory);
    // A task leaves its cgroup a moment after its end is reported, and v1 announces nothing: only a short
    // pause is left.
    if (empty && is_in_use(error_number)) backoff.pause();
  }
  if (error_number != 0 && !is_in_use(error_number))
    throw_errno("rmdir " + sys::quote(directory), error_number);
  return error_number;
}

void TreeManager::remove_parents() {
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
    if (is_leaf(*path)) continue;
    const int error_number = remove_directory(*path);
    // In use: another container has come to live below it. Then it is no longer ours alone.
    if (error_number != 0 && !is_in_use(error_number))
      throw_errno("rmdir " + sys::quote(*path), error_number);
  }
}

/// A directory that was there before the container stays, but not the container's processes in it.
void TreeManager::empty_others(const sys::Deadline& deadline) {
  std::vector<std::string> kept;
  for (const Tree& tree : trees_)
    if (!is_made(tree.directory)) kept.push_back(tree.directory);
  while (!kept.empty() && !members_of(kept).empty()) {
    kill_all();
    if (!wait_for_members(kept, deadline) || deadline.passed())
      throw Error("cgroup " + sys::quote(kept.front()) + " still has processes after SIGKILL");
  }
}

void TreeManager::remove() {
  // A create() that failed has undone itself, and the processes it found in the way are not the container's.
  if (!entered_) return;
  const sys::Deadline deadline(removal_ms);
  empty_others(deadline);
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) {
    if (!is_leaf(*path)) continue;
    const int error_number = remove_leaf(*path, deadline, true);
    if (error_number != 0) throw_errno("rmdir " + sys::quote(*path), error_number);
  }
  remove_parents();
}

void TreeManager::remove_unused() {
  const sys::Deadline deadline(unused_ms);
  for (auto path = made_.rbegin(); path != made_.rend(); ++path)
    if (is_leaf(*path) && remove_leaf(*path, deadline, false) != 0)
      sys::log_warning("cgroup " + sys::quote(*path) +
                       " has processes that may be somebody else's, ignoring it");
  remove_parents();
}

}  // namespace ocx::cgroups
