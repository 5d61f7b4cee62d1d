// Labels of security modules, Landlock rules and core scheduling: what plan() makes of them.
#include <algorithm>
#include <array>
#include <iterator>

#include "runtime/plan_parts.hpp"
#include "spec/names.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

constexpr const char* context_annotation = "run.oci.mount_context_type";
// The mount options of mount(8) that carry a label.
constexpr std::array<std::string_view, 4> context_types{"context", "fscontext", "defcontext", "rootcontext"};

Error invalid(std::string message, const std::string& origin) {
  return Error(std::move(message), ErrorKind::invalid_config).at(origin);
}

// The kernel would take what comes before.
void check_name(const std::string& name, const std::string& origin) {
  if (name.find('\0') != std::string::npos) throw invalid("a label with a NUL byte", origin);
}

std::string context_type(const PlanInput& in) {
  const auto chosen = in.config.annotations.find(context_annotation);
  if (chosen == in.config.annotations.end()) return "context";
  const std::string& type = chosen->second;
  if (std::find(context_types.begin(), context_types.end(), type) != context_types.end()) return type;
  Error error = invalid("unknown type of SELinux mount label " + sys::quote(type),
                        pointer("/annotations", context_annotation));
  const std::string_view nearest = spec::closest_name(type, {context_types.begin(), context_types.end()});
  throw nearest.empty() ? error : error.hint("did you mean " + sys::quote(nearest) + "?");
}

bool has_context(const spec::MountOptions& options) {
  return std::any_of(options.data.begin(), options.data.end(), [](const spec::MountOptions::Data& option) {
    const std::string_view name = std::string_view(option.text).substr(0, option.text.find('='));
    return std::find(context_types.begin(), context_types.end(), name) != context_types.end();
  });
}

Error lacking(const spec::LandlockLack& lack, int abi) {
  if (abi == 0)
    return Error(
               "this kernel has no Landlock: it needs Linux 5.13 with CONFIG_SECURITY_LANDLOCK, chosen by "
               "lsm=",
               ErrorKind::unsupported)
        .at(spec::landlock_origin(lack.annotation));
  Error error("Landlock can't restrict " + sys::quote(lack.word) + ": that needs Linux " +
                  std::string(lack.linux) + ", this kernel has version " + std::to_string(abi) +
                  " of Landlock",
              ErrorKind::unsupported);
  return error.at(spec::landlock_origin(lack.annotation));
}

std::string landlock_origin(const spec::LandlockRules& rules) {
  if (rules.handled.fs != 0) return spec::landlock_origin("fs");
  return spec::landlock_origin(rules.handled.net != 0 ? "tcp" : "scope");
}

}  // namespace

void check_selinux_label(const std::string& label, const HostFacts& host, const std::string& origin) {
  if (label.empty()) return;
  check_name(label, origin);
  if (!host.selinux)
    throw Error("SELinux label " + sys::quote(label) + ": SELinux is not enabled on this host",
                ErrorKind::unsupported)
        .at(origin)
        .hint("leave the label out, or boot with security=selinux and a policy");
}

void label_mount(const PlanInput& in, step::Mount& mount) {
  const std::string& label = in.config.linux.mount_label;
  const std::string type = context_type(in);
  if (label.empty() || mount.kind == step::Mount::Kind::bind || mount.kind == step::Mount::Kind::remount)
    return;
  // Files of proc and sysfs have labels by the policy's own rules. mqueue takes no option.
  if (mount.type == "proc" || mount.type == "sysfs") return;
  if (mount.kind == step::Mount::Kind::cgroup || mount.type == "mqueue")
    mount.label = label;
  else if (!has_context(mount.options))
    mount.options.data.push_back({type + "=\"" + label + "\"", spec::MountOptions::Data::of_mount_label});
}

void plan_labels(const ProcessInput& in, std::vector<InitStep>& steps) {
  const spec::Process& process = in.process;
  check_name(process.apparmor_profile, "/process/apparmorProfile");
  if (!process.apparmor_profile.empty())
    steps.push_back({"/process/apparmorProfile", step::AppArmorProfile{process.apparmor_profile}});
  check_selinux_label(process.selinux_label, in.host, "/process/selinuxLabel");
  if (!process.selinux_label.empty())
    steps.push_back({"/process/selinuxLabel", step::SelinuxLabel{process.selinux_label}});
}

void plan_landlock(const ProcessInput& in, std::vector<InitStep>& steps) {
  std::optional<spec::LandlockRules> rules = spec::parse_landlock(in.annotations);
  if (!rules) return;
  const int abi = std::max(0, in.host.landlock_abi);
  const std::vector<spec::LandlockLack> lacks = spec::landlock_lacks(*rules, abi);
  for (const spec::LandlockLack& lack : lacks) {
    Error error = lacking(lack, abi);
    if (!rules->best_effort)
      throw error.hint(
          "leave the annotation out, or set org.ocx.landlock.compat to best-effort to go without");
    // Said when the container is made, not again at every exec.
    if (!in.exec) in.warnings.push_back(std::string(error.what()) + ", ignoring");
    if (abi == 0) break;
  }
  if (!lacks.empty()) rules = spec::fit_landlock(std::move(*rules), abi);
  if (rules->handled.empty()) return;
  std::string origin = landlock_origin(*rules);
  steps.push_back({std::move(origin), step::Landlock{std::move(*rules)}});
}

void plan_core_scheduling(const ProcessInput& in, Plan& plan) {
  std::optional<spec::CoreScheduling> request = spec::parse_core_scheduling(in.annotations, in.linux);
  if (!request) return;
  if (in.exec) request->share_with = in.container_init;
  plan.attributes.push_back(
      {pointer("/annotations", spec::core_scheduling_annotation), step::CoreScheduling{*request}});
}

}  // namespace ocx::runtime
