// The groups of a container that is being made: its cgroup, and those of resctrl.
#pragma once

#include <memory>
#include <optional>

#include "cgroups/manager.hpp"
#include "cgroups/resctrl.hpp"
#include "runtime/plan.hpp"
#include "runtime/state_store.hpp"
#include "sys/rollback.hpp"

namespace ocx::runtime {

/// Where it is noted what is made, and what takes it back.
struct Making {
  const Plan& plan;
  Record& record;
  StateDirectory& directory;
  sys::Rollback& rollback;
};

/// Places are saved before anything is made there: whatever kills this process later, `delete --force` knows
/// where to look. `cgroup` has to live as long as the rollback.
void make_cgroup(const Making& making, CgroupDriver driver, std::unique_ptr<cgroups::Manager>& cgroup);
/// Does nothing without linux.intelRdt. `groups` has to live as long as the rollback.
void make_resctrl_groups(const Making& making, std::optional<cgroups::ResctrlSetup>& groups);

}  // namespace ocx::runtime
