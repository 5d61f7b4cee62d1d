#include <algorithm>
#include <tuple>

#include "cgroups/resctrl.hpp"
#include "runtime/merge_resources.hpp"
#include "runtime/operations.hpp"
#include "runtime/status.hpp"
#include "sys/error.hpp"
#include "sys/log.hpp"

namespace ocx::runtime {
namespace {

bool same_rule(const spec::DeviceRule& a, const spec::DeviceRule& b) {
  return std::tie(a.allow, a.type, a.major, a.minor, a.read, a.write, a.mknod) ==
         std::tie(b.allow, b.type, b.major, b.minor, b.read, b.write, b.mknod);
}

/// Engines send the whole `resources` object for one limit: the same devices again are no request.
void warn_of_devices(const std::vector<spec::DeviceRule>& in_force,
                     const std::vector<spec::DeviceRule>& asked) {
  const bool same = std::equal(asked.begin(), asked.end(), in_force.begin(), in_force.end(), same_rule);
  if (!asked.empty() && !same) sys::log_warning("devices are never changed by update (/devices), ignoring");
}

/// The error with the place the caller knows: below config.json's /linux/resources is what he sent, or named
/// by an option.
Error with_callers_origin(const Error& error, const UpdateRequest& request) {
  constexpr std::string_view base = "/linux/resources";
  std::string origin = error.origin();
  if (origin.starts_with(base)) origin.erase(0, base.size());
  // Version 2's cpu.max has both, and the old quota is not what was wrong.
  const auto& cpu = request.resources.cpu;
  if (origin == "/cpu/quota" && cpu && !cpu->quota.value_or(0) && cpu->period) origin = "/cpu/period";
  const auto& names = request.origins;
  const auto name = names.find(origin);
  return Error(error.message(), error.kind(), error.error_number())
      .at(name == names.end() ? origin : name->second)
      .hint(error.hint());
}

/// The record first: it can't be written for want of space or a read-only file system, and then nothing has
/// changed yet.
void save_and_write(const StateDirectory& directory, const Record& record, const ResourceUpdate& update,
                    cgroups::Manager& cgroup) {
  Record next = record;
  next.resources = update.next;
  directory.save(next);
  try {
    cgroup.update(update.write);
  } catch (const Error&) {
    directory.save(record);
    throw;
  }
}

/// First what is in force for cache and memory bandwidth, so that it can be put back when the rest fails.
void write_all(const StateDirectory& directory, const Record& record, const UpdateRequest& request,
               cgroups::Manager& cgroup) {
  const ResourceUpdate changes = merge_resources(record.resources, request.resources);
  const bool rdt = request.l3_cache_schema || request.mem_bw_schema;
  if (rdt && record.intel_rdt.empty())
    throw Error("the container has no intelRdt", ErrorKind::unsupported)
        .hint("a share can be changed when config.json gives one by linux.intelRdt");
  if (cgroup.paths().empty() && !(rdt && changes.empty()))
    throw Error("the container has no cgroup of its own to limit", ErrorKind::unsupported)
        .hint("it was created with --cgroup-manager disabled, or without the right to make one");
  std::optional<cgroups::ResctrlUpdate> schemata;
  if (rdt) schemata.emplace(record.intel_rdt, request.l3_cache_schema, request.mem_bw_schema);
  try {
    if (!changes.empty()) save_and_write(directory, record, changes, cgroup);
  } catch (const Error&) {
    if (schemata) schemata->undo();
    throw;
  }
}

}  // namespace

void update(const Globals& globals, const UpdateRequest& request) {
  const StateDirectory directory = StateDirectory::open_locked(globals, request.id);
  const Record record = directory.load();
  check_has_process(request.id, live_status(directory, record));
  const auto cgroup = open_cgroup(record);
  warn_of_devices(record.resources.devices, request.resources.devices);
  try {
    write_all(directory, record, request, *cgroup);
  } catch (const Error& error) {
    throw with_callers_origin(error, request);
  }
}

}  // namespace ocx::runtime
