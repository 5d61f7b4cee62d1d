#include <unistd.h>

#include <algorithm>

#include "runtime/check_parts.hpp"
#include "runtime/idmapped_mount.hpp"
#include "runtime/plan_parts.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

bool is_bind(const spec::Mount& mount) {
  return std::any_of(mount.options.begin(), mount.options.end(),
                     [](const std::string& option) { return option == "bind" || option == "rbind"; });
}

bool is_remount(const spec::Mount& mount) {
  return std::find(mount.options.begin(), mount.options.end(), "remount") != mount.options.end();
}

/// Names in /proc/filesystems: one a line, behind "nodev" and a tab.
bool knows_filesystem(std::string_view filesystems, std::string_view type) {
  for (const std::string& line : sys::split(filesystems, '\n'))
    if (std::string_view(line).substr(line.rfind('\t') + 1) == type) return true;
  return false;
}

void check_source(const CheckInput& in, const spec::Mount& mount, const std::string& base, Findings& out) {
  const std::string source =
      mount.source.starts_with('/') ? mount.source : in.request.bundle + "/" + mount.source;
  const sys::FdResult file = sys::try_openat(sys::FdRef::cwd(), source, O_PATH | O_CLOEXEC);
  if (!file)
    out.add(Severity::error, base + "/source",
            "the source " + sys::quote(source) + ": " + errno_text(file.error_number),
            mount.source.starts_with('/') ? "make it first: a bind mount makes nothing on the host"
                                          : "a relative source is relative to the bundle");
}

}  // namespace

void check_mounts(const CheckInput& in, Findings& out) {
  const std::string filesystems = sys::read_file(sys::FdRef::cwd(), "/proc/filesystems");
  for (std::size_t i = 0; i < in.config.mounts.size(); ++i) {
    const spec::Mount& mount = in.config.mounts[i];
    const std::string base = pointer("/mounts", i);
    if (is_remount(mount)) continue;
    if (is_bind(mount) || mount.type == "bind") {
      check_source(in, mount, base, out);
    } else if (!mount.type.empty() && mount.type != "cgroup" && mount.type != "none" &&
               !knows_filesystem(filesystems, mount.type)) {
      out.add(Severity::missing, base + "/type", "the kernel has no file system " + sys::quote(mount.type),
              "it may be a module: modprobe " + mount.type);
    }
  }
}

void check_id_mapped_mounts(Plan& plan, Findings& out) {
  const sys::Procfs proc = sys::Procfs::open_host();
  for (InitStep& entry : plan.build) {
    auto* mount = std::get_if<step::Mount>(&entry.action);
    if (mount == nullptr || !mount->id_map || mount->id_map->uids.empty() || mount->id_map->gids.empty())
      continue;
    if (!sys::fstatat(sys::FdRef::cwd(), mount->source)) continue;
    // The container's user namespace is not there; one with the same map is as good to the kernel.
    mount->id_map->container = false;
    out.guard([&] { IdMappedMounts(proc).make(plan, mount->origin, ::getpid()); });
  }
}

}  // namespace ocx::runtime
