// cgroup v1: one directory a hierarchy, hybrid hosts' v2 tree included.
#pragma once

#include "cgroups/tree_manager.hpp"

namespace ocx::cgroups {

class V1Manager : public TreeManager {
 public:
  using TreeManager::TreeManager;
  void apply(const spec::Resources& resources) override;

 protected:
  void configure(const Tree& tree, const std::vector<std::string>& made) override;
  bool wait_until_empty(const sys::Deadline& deadline) const override;

 private:
  void apply_devices(const std::vector<spec::DeviceRule>& rules) const;
};

}  // namespace ocx::cgroups
