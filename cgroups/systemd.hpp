// The systemd driver: the container is a transient scope (or slice) of systemd's, in directories systemd
// makes and removes; limits go into the unit, so that systemd keeps them, and into the files, where they
// count.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cgroups/leaf.hpp"
#include "cgroups/manager.hpp"
#include "cgroups/settings.hpp"
#include "cgroups/systemd_client.hpp"
#include "cgroups/systemd_unit.hpp"
#include "cgroups/tree_manager.hpp"

namespace ocx::cgroups {

class SystemdManager : public Manager {
 public:
  /// For create. Error: invalid_config at /linux/cgroupsPath and at /annotations/….
  SystemdManager(const Request& request, Hierarchies hierarchies);
  /// For later commands.
  SystemdManager(const Paths& paths, const std::vector<std::string>& made, const std::string& unit);

  /// Makes nothing yet, as a scope can't be without a process: checks, and starts what speaks with systemd.
  void create() override;
  std::optional<sys::FdRef> clone_target() const override { return std::nullopt; }
  /// Makes the unit with this process in it. paths() and made() are from then on those it really has.
  void attach(int pid) override;
  void apply(const spec::Resources& resources) override;
  void update(const spec::Resources& resources) override;
  void delegate(uid_t owner) override;

  const Paths& paths() const override { return files_->paths(); }
  const std::vector<std::string>& made() const override { return files_->made(); }
  std::string unit() const override { return unit_; }

  // All of these need files alone, no systemd.
  std::vector<int> processes() const override { return files_->processes(); }
  bool frozen() const override { return files_->frozen(); }
  void freeze() override { files_->freeze(); }
  void thaw() override { files_->thaw(); }
  void kill_all() override { files_->kill_all(); }
  void signal_all(int signal) override { files_->signal_all(signal); }

  void remove() override;
  void remove_unfinished() override;
  /// Nothing: the unit is made after the process was recorded.
  void remove_unused() override {}

 private:
  SystemdClient& client();
  UnitReply ask(const std::string& verb, std::vector<UnitProperty> properties = {});
  std::vector<UnitProperty> start_properties(int pid) const;
  void enter_others(const std::vector<Tree>& trees, int pid) const;
  void enter_subgroup(int pid) const;
  Versions versions() const;
  std::string read_file(const std::string& file) const;
  void put_back(const std::vector<Setting>& settings) const;
  bool wait_until_empty() const;
  void stop_unit();
  bool exists() const;

  std::string unit_, id_;
  SystemdUnit place_;
  bool user_ = false;
  Hierarchies hierarchies_;  // for create
  std::vector<UnitProperty> annotated_;
  Leaves leaves_;
  std::unique_ptr<Manager> files_;
  std::unique_ptr<SystemdClient> client_;
  bool entered_ = false;  // the unit is the container's
};

}  // namespace ocx::cgroups
