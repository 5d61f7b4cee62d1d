// What v1 and v2 have in common: a directory in one or more trees that is made, filled, emptied and removed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cgroups/manager.hpp"
#include "cgroups/settings.hpp"
#include "sys/clock.hpp"

namespace ocx::cgroups {

/// The container's directory in one hierarchy.
struct Tree {
  std::vector<std::string>
      controllers;          // keys of Paths: "cpu", "cpuacct"; "name=systemd"; "unified", or "" on pure v2
  std::string mount_point;  // empty when opened from a record
  std::string directory;    // absolute
  bool v2 = false;

  bool has(const std::string& controller) const;
};

class TreeManager : public Manager {
 public:
  /// For create: plans the directories that don't exist. `optional`: config.json asks for no path, so that a
  /// hierarchy whose permissions keep a rootless caller out is done without.
  TreeManager(std::vector<Tree> trees, bool optional);
  /// For later commands.
  TreeManager(const Paths& paths, const std::vector<std::string>& made);

  void create() override;
  std::optional<sys::FdRef> clone_target() const override { return std::nullopt; }
  void attach(int pid) override;
  void update(const spec::Resources& resources) override;
  void delegate(uid_t) override {}
  const Paths& paths() const override { return paths_; }
  const std::vector<std::string>& made() const override { return made_; }
  std::vector<int> processes() const override;
  bool frozen() const override;
  void freeze() override;
  void thaw() override;
  void kill_all() override;
  void signal_all(int signal) override;
  void remove() override;
  void remove_unused() override;

 protected:
  const std::vector<Tree>& trees() const { return trees_; }
  const Tree* find(const std::string& controller) const;
  std::vector<std::string> directories() const;
  Versions versions() const;
  /// Writes all of `resources` but the devices.
  void apply_limits(const spec::Resources& resources) const;
  /// Throws for a limit that belongs into a hierarchy the caller has no rights in; also for device rules that
  /// would keep devices from somebody.
  void refuse_denied(const spec::Resources& resources) const;
  /// After a tree has been made: cpuset values, subtree_control. `made` are its new directories, outermost
  /// first.
  virtual void configure(const Tree& tree, const std::vector<std::string>& made) = 0;
  /// Waits until the members that are dying are gone; false when the time is over.
  virtual bool wait_until_empty(const sys::Deadline& deadline) const = 0;

 private:
  bool make_or_drop(const Tree& tree, const std::vector<std::string>& planned);
  void make(const Tree& tree, const std::vector<std::string>& planned);
  void check_unused(const Tree& tree) const;
  void check_thawed(const Tree& tree) const;
  void index_paths();
  const Tree* freezer() const;
  void request_freeze();
  bool kill_by_file() const;
  bool is_leaf(const std::string& directory) const;
  bool is_made(const std::string& directory) const;
  int remove_leaf(const std::string& directory, const sys::Deadline& deadline, bool kill);
  void remove_parents();
  void empty_others(const sys::Deadline& deadline);

  std::vector<Tree> trees_;
  Paths paths_;
  std::vector<std::string> made_;
  std::vector<Tree> denied_;  // what create() did without
  bool optional_ = false;
  bool entered_ = false;  // the container's processes may be inside: create() has succeeded, at some time
};

/// The directories on the way from `mount_point` (excluded) to `directory` that don't exist, outermost first.
std::vector<std::string> missing_directories(const std::string& mount_point, const std::string& directory);
/// The value of a key of a flat keyed file (`populated 1\nfrozen 0\n`); 0 when it is not there.
long flat_value(std::string_view text, std::string_view key);

}  // namespace ocx::cgroups
