// cgroup v2, the only hierarchy of its host.
#pragma once

#include "cgroups/tree_manager.hpp"

namespace ocx::cgroups {

class V2Manager : public TreeManager {
 public:
  using TreeManager::TreeManager;
  void create() override;
  std::optional<sys::FdRef> clone_target() const override;
  void apply(const spec::Resources& resources) override;
  void delegate(uid_t owner) override;

 protected:
  void configure(const Tree& tree, const std::vector<std::string>& made) override;
  bool wait_until_empty(const sys::Deadline& deadline) const override;

 private:
  sys::UniqueFd directory_;
};

}  // namespace ocx::cgroups
