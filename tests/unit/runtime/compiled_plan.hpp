// A configuration compiled by plan(), and its program as short words that tests compare.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/plan.hpp"
#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "tests/harness/bundle.hpp"

namespace ocx::test {

/// Everything plan() looks at; starts as the configuration of the integration tests.
struct PlanSource {
  PlanSource() {
    request.id = "box";
    request.bundle = "/bundle";
  }
  runtime::Plan compile() {
    warnings.clear();
    spec::Warnings of_the_parser;
    return runtime::plan(spec::parse_config(config.dump(), of_the_parser), request, globals, host, warnings);
  }
  /// The error compiling ends with; fails the caller's comparison with "none" when there is none.
  Error error() {
    try {
      compile();
    } catch (const Error& error) {
      return error;
    }
    return Error("none");
  }
  json config = default_config();
  runtime::CreateRequest request;
  runtime::Globals globals;
  runtime::HostFacts host;
  std::vector<std::string> warnings;
};

/// One step: its kind, and where it happens.
struct StepWords {
  std::string operator()(const runtime::step::BecomeRoot&) const { return "become-root"; }
  std::string operator()(const runtime::step::SessionKeyring& s) const { return "keyring " + s.name; }
  std::string operator()(const runtime::step::LoopbackUp&) const { return "loopback"; }
  std::string operator()(const runtime::step::JoinCgroup& s) const {
    return s.unshare ? "cgroup-namespace" : "cgroup";
  }
  std::string operator()(const runtime::step::SetHostname& s) const { return "hostname " + s.name; }
  std::string operator()(const runtime::step::SetDomainname& s) const { return "domainname " + s.name; }
  std::string operator()(const runtime::step::Sysctl& s) const { return "sysctl " + s.path + "=" + s.value; }
  std::string operator()(const runtime::step::RootPropagation&) const { return "propagation"; }
  std::string operator()(const runtime::step::AttachRootfs& s) const { return "rootfs " + s.path; }
  std::string operator()(const runtime::step::MountRoot& s) const {
    return "root " + s.mount.type + " " + s.path;
  }
  std::string operator()(const runtime::step::Mount& s) const {
    using Kind = runtime::step::Mount::Kind;
    const char* kind = s.kind == Kind::bind      ? "bind "
                       : s.kind == Kind::remount ? "remount "
                       : s.kind == Kind::cgroup  ? "cgroup-mount "
                                                 : "mount ";
    return kind + s.target;
  }
  std::string operator()(const runtime::step::MakeDevice& s) const {
    return (s.node.bind ? "bind-device " : "device ") + s.node.path;
  }
  std::string operator()(const runtime::step::MakeLink& s) const { return "link " + s.link.path; }
  std::string operator()(const runtime::step::EnterRoot& s) const {
    using Method = runtime::step::RootMethod;
    return s.method == Method::pivot ? "pivot" : s.method == Method::move ? "move" : "chroot";
  }
  std::string operator()(const runtime::step::RootfsPropagation&) const { return "rootfs-propagation"; }
  std::string operator()(const runtime::step::Console&) const { return "console"; }
  std::string operator()(const runtime::step::SetReadOnly& s) const { return "read-only " + s.path; }
  std::string operator()(const runtime::step::ReadonlyPath& s) const { return "readonly-path " + s.path; }
  std::string operator()(const runtime::step::MaskedPath& s) const { return "mask " + s.path; }
  std::string operator()(const runtime::step::Personality&) const { return "personality"; }
  std::string operator()(const runtime::step::EnterDirectory& s) const {
    using Phase = runtime::step::EnterDirectory::Phase;
    return (s.phase == Phase::make    ? "make-cwd "
            : s.phase == Phase::enter ? "cwd "
                                      : "cwd-as-user ") +
           s.path;
  }
  std::string operator()(const runtime::step::NoNewPrivileges&) const { return "no-new-privileges"; }
  std::string operator()(const runtime::step::SetUser& s) const { return "user " + std::to_string(s.uid); }
  std::string operator()(const runtime::step::DropBounding&) const { return "bounding"; }
  std::string operator()(const runtime::step::SetCapabilities&) const { return "capabilities"; }
  std::string operator()(const runtime::step::SetRlimit& s) const {
    return "rlimit " + std::to_string(s.resource);
  }
  std::string operator()(const runtime::step::FindExecutable& s) const { return "find " + s.name; }
  std::string operator()(const runtime::step::SetMemoryPolicy&) const { return "memory-policy"; }
  std::string operator()(const runtime::step::AppArmorProfile& s) const { return "apparmor " + s.name; }
  std::string operator()(const runtime::step::SelinuxLabel& s) const { return "selinux " + s.label; }
  std::string operator()(const runtime::step::Landlock&) const { return "landlock"; }
  std::string operator()(const runtime::step::LoadSeccomp&) const { return "seccomp"; }
};

inline std::vector<std::string> words(const std::vector<runtime::InitStep>& steps) {
  std::vector<std::string> list;
  for (const runtime::InitStep& step : steps) list.push_back(std::visit(StepWords{}, step.action));
  return list;
}

/// Where in the list a step is; its size when it is not there.
inline size_t place_of(const std::vector<runtime::InitStep>& steps, const std::string& step) {
  const std::vector<std::string> list = words(steps);
  return static_cast<size_t>(std::find(list.begin(), list.end(), step) - list.begin());
}
inline bool has_step(const std::vector<runtime::InitStep>& steps, const std::string& step) {
  return place_of(steps, step) != steps.size();
}
inline std::string origin_of(const std::vector<runtime::InitStep>& steps, const std::string& step) {
  const size_t at = place_of(steps, step);
  return at == steps.size() ? "no such step" : steps[at].origin;
}
/// The mount on that target, or null.
inline const runtime::step::Mount* mount_step(const runtime::Plan& plan, const std::string& target) {
  for (const runtime::InitStep& step : plan.build)
    if (const auto* mount = std::get_if<runtime::step::Mount>(&step.action); mount && mount->target == target)
      return mount;
  return nullptr;
}

}  // namespace ocx::test
