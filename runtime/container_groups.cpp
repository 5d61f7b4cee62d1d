#include "runtime/container_groups.hpp"

#include "runtime/status.hpp"

namespace ocx::runtime {
namespace {

void note(Record& record, const cgroups::Manager& cgroup) {
  record.cgroup_unit = cgroup.unit();
  record.cgroup_paths = cgroup.paths();
  record.cgroups_made = cgroup.made();
}

}  // namespace

void make_cgroup(const Making& making, CgroupDriver driver, std::unique_ptr<cgroups::Manager>& cgroup) {
  cgroup = cgroups::make_manager({.driver = to_driver(driver),
                                  .cgroups_path = making.plan.cgroups_path,
                                  .id = making.plan.id,
                                  .rootless = making.plan.rootless,
                                  .annotations = making.plan.annotations});
  note(making.record, *cgroup);
  making.directory.save(making.record);
  making.rollback.arm([&cgroup] { cgroup->remove(); });
  cgroup->create();
  note(making.record, *cgroup);  // what was planned and what could be had differ for an unprivileged caller
}

void make_resctrl_groups(const Making& making, std::optional<cgroups::ResctrlSetup>& groups) {
  if (!making.plan.intel_rdt) return;
  groups.emplace(cgroups::find_resctrl(), making.plan.id, *making.plan.intel_rdt);
  making.record.intel_rdt = groups->groups();
  making.directory.save(making.record);
  making.rollback.arm([&groups] { groups->undo(); });
  groups->create();
}

}  // namespace ocx::runtime
