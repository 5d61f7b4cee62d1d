// cgroup v2, the only hierarchy of its host.
#pragma once

#include <utility>

#include "cgroups/leaf.hpp"
#include "cgroups/tree_manager.hpp"

namespace ocx::cgroups {

class V2Manager : public TreeManager {
 public:
  /// For create.
  V2Manager(std::vector<Tree> trees, bool optional, Leaves leaves = {})
      : TreeManager(std::move(trees), optional), leaves_(std::move(leaves)) {}
  /// For later commands.
  using TreeManager::TreeManager;
  void create() override;
  void attach(int pid) override;
  std::optional<sys::FdRef> clone_target() const override;
  void apply(const spec::Resources& resources) override;
  void delegate(uid_t owner) override;

 protected:
  void configure(const Tree& tree, const std::vector<std::string>& made) override;
  bool wait_until_empty(const sys::Deadline& deadline) const override;

 private:
  sys::FdRef policy_directory();

  Leaves leaves_;
  sys::UniqueFd directory_;  // of the device policy
  sys::UniqueFd place_;      // where init is cloned into
};

}  // namespace ocx::cgroups
