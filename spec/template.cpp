#include "spec/template.hpp"

#include <nlohmann/json.hpp>

#include "spec/version.hpp"

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

Json process() {
  const Json kept = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  return {
      {"terminal", true},
      {"user", {{"uid", 0}, {"gid", 0}}},
      {"args", {"sh"}},
      {"env", {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"}},
      {"cwd", "/"},
      // No inheritable and no ambient set: CVE-2022-29162.
      {"capabilities", {{"bounding", kept}, {"effective", kept}, {"permitted", kept}}},
      {"rlimits", Json::array({{{"type", "RLIMIT_NOFILE"}, {"hard", 1024}, {"soft", 1024}}})},
      {"noNewPrivileges", true},
  };
}

Json mount(const char* destination, const char* type, const char* source, Json options) {
  return {{"destination", destination}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

Json devpts(bool rootless) {
  Json options = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  // Group 5, tty, is not mapped in a namespace of one id.
  if (!rootless) options.push_back("gid=5");
  return mount("/dev/pts", "devpts", "devpts", std::move(options));
}

Json sys(bool rootless) {
  // Without a network namespace of its own, the kernel refuses a new sysfs.
  if (rootless) return mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
  return mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"});
}

Json mounts(bool rootless) {
  return Json::array({
      {{"destination", "/proc"}, {"type", "proc"}, {"source", "proc"}},
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      devpts(rootless),
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      sys(rootless),
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}),
  });
}

Json namespaces(const TemplateOptions& options) {
  Json list = Json::array();
  const auto add = [&list](const char* type) { list.push_back({{"type", type}}); };
  add("pid");
  // A new network namespace has no way out; a rootless user has no way to build one.
  if (!options.rootless) add("network");
  add("ipc");
  add("uts");
  add("mount");
  if (options.rootless) add("user");
  if (options.cgroup2) add("cgroup");
  return list;
}

Json one_id(std::uint32_t host_id) {
  return Json::array({{{"containerID", 0}, {"hostID", host_id}, {"size", 1}}});
}

Json linux_object(const TemplateOptions& options) {
  Json object = Json::object();
  if (options.rootless) {
    object["uidMappings"] = one_id(options.euid);
    object["gidMappings"] = one_id(options.egid);
  } else {
    object["resources"] = {{"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})}};
  }
  object["namespaces"] = namespaces(options);
  object["maskedPaths"] = {
      "/proc/acpi",       "/proc/asound",      "/proc/kcore",       "/proc/keys",    "/proc/latency_stats",
      "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"};
  object["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return object;
}

}  // namespace

std::string write_template(const TemplateOptions& options) {
  const Json document = {
      {"ociVersion", oci_version_max},
      {"process", process()},
      {"root", {{"path", "rootfs"}, {"readonly", true}}},
      {"hostname", "ocx"},
      {"mounts", mounts(options.rootless)},
      {"linux", linux_object(options)},
  };
  return document.dump(1, '\t') + "\n";
}

}  // namespace ocx::spec
