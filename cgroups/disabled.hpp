// No cgroups: --cgroup-manager disabled, or a container that could have none.
#pragma once

#include "cgroups/manager.hpp"
#include "cgroups/settings.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {

class DisabledManager : public Manager {
 public:
  void create() override {}
  std::optional<sys::FdRef> clone_target() const override { return std::nullopt; }
  void attach(int) override {}
  /// What can't be limited is refused, not ignored.
  void apply(const spec::Resources& resources) override { refuse_limits(resources); }
  void update(const spec::Resources& resources) override { refuse_limits(resources); }
  void delegate(uid_t) override {}
  const Paths& paths() const override { return paths_; }
  const std::vector<std::string>& made() const override { return made_; }
  std::vector<int> processes() const override { return {}; }
  bool frozen() const override { return false; }
  void freeze() override {
    throw Error("the container has no cgroup to pause it with", ErrorKind::unsupported);
  }
  void thaw() override {}
  void kill_all() override {}
  void signal_all(int) override {}
  void remove() override {}
  void remove_unused() override {}

 private:
  Paths paths_;
  std::vector<std::string> made_;
};

}  // namespace ocx::cgroups
