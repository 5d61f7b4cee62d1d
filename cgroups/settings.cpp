#include "cgroups/settings.hpp"

#include <algorithm>

#include "cgroups/conversions.hpp"
#include "cgroups/settings_parts.hpp"

namespace ocx::cgroups {
namespace {

using Missing = Setting::Missing;

std::string rdma_line(const std::string& device, const spec::RdmaLimit& limit) {
  std::string line = device;
  if (limit.hca_handles) line += " hca_handle=" + std::to_string(*limit.hca_handles);
  if (limit.hca_objects) line += " hca_object=" + std::to_string(*limit.hca_objects);
  return line;
}

void append_pids(Settings& out, std::int64_t limit, bool v2) {
  // 0 is a limit: no process may be added (config-linux.md, "PIDs").
  const Missing missing = limit == -1 ? Missing::skip : Missing::error;
  out.push_back({"pids", "pids.max", number_or_max(limit), origin_of("pids/limit"), v2, missing});
}

void append_rdma(Settings& out, const std::map<std::string, spec::RdmaLimit>& devices, bool v2) {
  for (const auto& [device, limit] : devices) {
    out.push_back({"rdma", "rdma.max", rdma_line(device, limit), origin_of("rdma", device), v2});
    out.back().keyed = true;
  }
}

void append_network(Settings& out, const spec::NetworkLimits& network, const Versions& versions) {
  versions.on_v2("net_cls") ? refuse_v1_classes(network) : append_v1_classes(out, network);
  versions.on_v2("net_prio") ? refuse_v1_priorities(network) : append_v1_priorities(out, network);
}

void append_cpuset(Settings& out, const spec::CpuLimits& cpu, bool v2) {
  const auto append = [&](const char* name, const std::optional<std::string>& list) {
    // Engines write "" for "not set", and the kernel takes no empty set of a v1 cgroup with processes.
    if (list && !list->empty())
      out.push_back(
          {"cpuset", std::string("cpuset.") + name, *list, origin_of(std::string("cpu/") + name), v2});
  };
  append("cpus", cpu.cpus);
  append("mems", cpu.mems);
}

}  // namespace

std::string origin_of(std::string_view path) {
  return "/linux/resources/" + std::string(path);
}

std::string origin_of(std::string_view path, std::string_view name) {
  std::string out = origin_of(path) + '/';
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

bool Versions::on_v2(std::string_view controller) const {
  return v2 && std::find(v1.begin(), v1.end(), controller) == v1.end();
}

std::vector<Setting> settings_of(const spec::Resources& resources, const Versions& versions) {
  Settings out;
  if (resources.memory)
    versions.on_v2("memory") ? append_v2_memory(out, *resources.memory)
                             : append_v1_memory(out, *resources.memory);
  if (resources.cpu) {
    versions.on_v2("cpu") ? append_v2_cpu(out, *resources.cpu) : append_v1_cpu(out, *resources.cpu);
    append_cpuset(out, *resources.cpu, versions.on_v2("cpuset"));
  }
  if (resources.pids_limit) append_pids(out, *resources.pids_limit, versions.on_v2("pids"));
  if (resources.block_io)
    versions.on_v2("blkio") ? append_v2_block_io(out, *resources.block_io)
                            : append_v1_block_io(out, *resources.block_io);
  versions.on_v2("hugetlb") ? append_v2_hugepages(out, resources.hugepage_limits)
                            : append_v1_hugepages(out, resources.hugepage_limits);
  if (resources.network) append_network(out, *resources.network, versions);
  append_rdma(out, resources.rdma, versions.on_v2("rdma"));
  append_unified(out, resources.unified, versions);
  return out;
}

}  // namespace ocx::cgroups
