#include "spec/features.hpp"

#include <nlohmann/json.hpp>

#include "spec/mount_options.hpp"
#include "spec/names.hpp"
#include "spec/version.hpp"

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

Json enabled(bool value) {
  return {{"enabled", value}};
}

/// The schema wants "no" as false and an empty list; absent would mean "unknown".
Json linux_object() {
  return {
      {"namespaces", names_of(namespace_types)},
      {"capabilities", capability_names},
      {"cgroup", {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", true}, {"rdma", true}}},
      {"seccomp", enabled(false)},
      {"apparmor", enabled(false)},
      {"selinux", enabled(false)},
      {"intelRdt", enabled(false)},
      {"mountExtensions", {{"idmap", enabled(false)}}},
      {"netDevices", enabled(false)},
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
      {"annotations", {{"org.ocx.version", version}, {"org.ocx.commit", commit}}},
      // Any property of the unit can be set, also ones that reach the host.
      {"potentiallyUnsafeConfigAnnotations", Json::array({"org.systemd.property."})},
  };
  return document.dump(4) + "\n";
}

}  // namespace ocx::spec
