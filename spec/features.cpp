#include "spec/features.hpp"

#include <nlohmann/json.hpp>

#include "spec/mount_options.hpp"
#include "spec/names.hpp"
#include "spec/version.hpp"

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

/// All annotations of config.json that change what ocx does (docs/annotations.md); a dot at the end: all that
/// begin so.
constexpr std::string_view acted_upon[] = {
    "io.crun.keep_original_groups",
    "org.criu.config",
    "org.ocx.core-scheduling",
    "org.ocx.landlock.",
    "org.opencontainers.image.stopSignal",
    "org.systemd.property.",
    "run.oci.delegate-cgroup",
    "run.oci.hooks.stderr",
    "run.oci.hooks.stdout",
    "run.oci.keep_original_groups",
    "run.oci.mount_context_type",
    "run.oci.seccomp_fail_unknown_syscall",
    "run.oci.systemd.subgroup",
};

Json enabled(bool value) {
  return {{"enabled", value}};
}

Json seccomp_object() {
  // Whether the kernel knows a flag is found out by using it.
  return {{"enabled", true},
          {"actions", names_of(seccomp_actions)},
          {"operators", names_of(seccomp_operators)},
          {"archs", names_of(seccomp_architectures)},
          {"knownFlags", names_of(seccomp_flags)},
          {"supportedFlags", names_of(seccomp_flags)}};
}

/// The schema wants "no" as false and an empty list; absent would mean "unknown".
Json linux_object() {
  return {
      {"namespaces", names_of(namespace_types)},
      {"capabilities", capability_names},
      {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}},
      {"seccomp", seccomp_object()},
      {"apparmor", enabled(true)},
      {"selinux", enabled(true)},
      {"memoryPolicy", {{"modes", names_of(memory_policy_modes)}, {"flags", names_of(memory_policy_flags)}}},
      {"intelRdt", {{"enabled", true}, {"schemata", true}, {"monitoring", true}}},
      {"mountExtensions", {{"idmap", enabled(true)}}},
      {"netDevices", enabled(true)},
  };
}

}  // namespace

std::string write_features(std::string_view version, std::string_view commit) {
  const Json document = {
      {"ociVersionMin", oci_version_min},
      {"ociVersionMax", oci_version_max},
      {"hooks", names_of(hook_kinds)},
      {"mountOptions", mount_option_names()},
      {"linux", linux_object()},
      {"annotations",
       {{"org.ocx.version", version},
        {"org.ocx.commit", commit},
        {"org.opencontainers.runc.checkpoint.enabled", "true"}}},
      {"potentiallyUnsafeConfigAnnotations", acted_upon},
  };
  return document.dump(4) + "\n";
}

}  // namespace ocx::spec
