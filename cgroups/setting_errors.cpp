#include "cgroups/setting_errors.hpp"

#include <algorithm>
#include <cerrno>

#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cgroups {
namespace {

const sys::FdRef here = sys::FdRef::cwd();

/// The file on one line; "" when it can't be read. For messages only.
std::string content_of(const std::string& path) {
  std::string text;
  try {
    text = sys::read_file_if_any(here, path).value_or("");
  } catch (const Error&) {
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string parent_of(const std::string& directory) {
  return directory.substr(0, directory.rfind('/'));
}

struct Refusal {
  const std::string &directory, &file;
  int error_number;
  bool v2;

  std::string own(const std::string& name) const { return content_of(directory + "/" + name); }
  std::string parents(const std::string& name) const { return content_of(parent_of(directory) + "/" + name); }
  bool of(std::string_view prefix) const { return file.starts_with(prefix); }
};

std::string memory_remedy(const Refusal& refusal) {
  const bool with_swap = refusal.of("memory.memsw");
  if (refusal.error_number == EBUSY)
    return refusal.own(with_swap ? "memory.memsw.usage_in_bytes" : "memory.usage_in_bytes") +
           " bytes are in use and could not be freed; give more than that";
  if (refusal.error_number != EINVAL) return "";
  if (with_swap)
    return "it counts memory and swap, and memory has " + refusal.own("memory.limit_in_bytes") +
           " bytes; give at least that";
  if (refusal.of("memory.limit_in_bytes"))
    return "memory and swap together have " + refusal.own("memory.memsw.limit_in_bytes") +
           " bytes; raise memory.swap, too";
  return "";
}

std::string cpu_remedy(const Refusal& refusal) {
  if (refusal.error_number != EINVAL) return "";
  if (refusal.of("cpu.shares") || refusal.of("cpu.weight"))
    return "an idle cgroup takes no shares; set cpu.idle to 0";
  if (refusal.of("cpu.rt_"))
    return "the parent cgroup has a real-time runtime of " + refusal.parents("cpu.rt_runtime_us") + " in " +
           refusal.parents("cpu.rt_period_us") + " us, and its children together no more";
  const std::string range =
      "a quota has at least 1000 us, a period 1000 to 1000000, a burst at most the quota";
  if (refusal.v2) return range;
  const std::string quota = refusal.parents("cpu.cfs_quota_us");
  if (quota.empty() || quota.front() == '-') return range;
  return range + "; the parent cgroup has " + quota + " in " + refusal.parents("cpu.cfs_period_us") + " us";
}

/// What the parent has is what can be had.
std::string cpuset_remedy(const Refusal& refusal) {
  if (refusal.error_number == EBUSY) return "cgroups below the container's use others";
  if (refusal.error_number == ENOSPC) return "a cgroup with processes needs at least one";
  const std::string had = refusal.parents(refusal.v2 ? refusal.file + ".effective" : refusal.file);
  return had.empty() ? "" : "the parent cgroup has " + sys::quote(had);
}

std::string io_remedy(const Refusal& refusal) {
  switch (refusal.error_number) {
    case ENODEV:
      return "there is no such block device; partitions are none";
    case EOPNOTSUPP:
      return "the device's I/O scheduler is another than bfq";
    case ERANGE:
      return "weights are from 1 to 1000";
    default:
      return "";
  }
}

std::string rdma_remedy(const Refusal& refusal) {
  const std::string devices = refusal.own("rdma.current");
  return devices.empty() ? "the host has no RDMA device" : "the host has: " + devices;
}

std::string remedy_of(const Refusal& refusal) {
  const int error_number = refusal.error_number;
  if (refusal.of("cpuset.")) return cpuset_remedy(refusal);
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS)
    return "ocx may not write there: without root, the cgroup has to be delegated";
  if (refusal.of("memory.")) return memory_remedy(refusal);
  if (refusal.of("cpu.")) return cpu_remedy(refusal);
  if (refusal.of("blkio.") || refusal.of("io.")) return io_remedy(refusal);
  if (refusal.of("rdma.")) return rdma_remedy(refusal);
  if (refusal.of("net_prio.")) return "the name has to be that of a network interface of the host";
  return "";
}

/// "hugetlb.2MB.max" and "hugetlb.1GB.max" are "2MB, 1GB".
std::string page_sizes_in(const std::string& directory) {
  std::vector<std::string> sizes;
  for (const std::string& name : sys::list_directory(sys::openat(here, directory, O_RDONLY | O_DIRECTORY))) {
    const std::vector<std::string> parts = sys::split(name, '.');
    if (parts.size() > 1 && parts[0] == "hugetlb" &&
        std::find(sizes.begin(), sizes.end(), parts[1]) == sizes.end())
      sizes.push_back(parts[1]);
  }
  return sys::join(sizes, ", ");
}

std::string file_remedy(const Setting& setting, const std::string& directory) {
  if (setting.controller == "hugetlb") return "the host's page sizes: " + page_sizes_in(directory);
  if (setting.file == "memory.memsw.limit_in_bytes" || setting.file == "memory.swap.max")
    return "the kernel does not account for swap; boot it with swapaccount=1, or remove the setting";
  if (setting.file.starts_with("blkio.leaf_weight"))
    return "the CFQ scheduler had it, up to Linux 4.20; remove the setting";
  if (setting.controller == "blkio" || setting.controller == "io")
    return "the kernel has neither of the I/O schedulers and controllers with weights (bfq, iocost)";
  return "the running kernel doesn't have it; remove the setting";
}

/// /proc/cgroups: name, hierarchy, number of cgroups, enabled.
std::string mount_remedy(const std::string& controller) {
  const std::string table = sys::read_file_if_any(here, "/proc/cgroups").value_or("");
  for (const std::string& line : sys::split(table, '\n')) {
    if (!line.starts_with(controller + "\t")) continue;
    return line.ends_with("\t1")
               ? "mount it: mount -t cgroup -o " + controller + " cgroup DIRECTORY"
               : "it was turned off when the host was booted (cgroup_disable=" + controller + ")";
  }
  return "the running kernel doesn't have it; remove the setting";
}

}  // namespace

Error refused_setting(const Setting& setting, const std::string& directory, const std::string& file,
                      const std::string& value, int error_number) {
  Error error = Error::from_errno("write " + sys::quote(value) + " to " + sys::quote(directory + "/" + file),
                                  error_number);
  error.at(setting.origin);
  const std::string remedy = remedy_of({directory, file, error_number, setting.v2});
  if (!remedy.empty()) error.hint(remedy);
  return error;
}

Error missing_file(const Setting& setting, const std::string& directory) {
  Error error("cgroup " + sys::quote(directory) + " has no file " + sys::quote(setting.file),
              ErrorKind::unsupported);
  return error.at(setting.origin).hint(file_remedy(setting, directory));
}

Error missing_controller(const Setting& setting) {
  Error error("no cgroup controller " + sys::quote(setting.controller) + " for the container",
              ErrorKind::unsupported);
  return error.at(setting.origin).hint(mount_remedy(setting.controller));
}

}  // namespace ocx::cgroups
