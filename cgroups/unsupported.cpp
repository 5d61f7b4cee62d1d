#include <string_view>

#include "cgroups/device_list.hpp"
#include "cgroups/manager.hpp"
#include "sys/error.hpp"

namespace ocx::cgroups {
namespace {

using spec::Resources;

[[noreturn]] void refuse(const std::string& property, const char* what = "resource limits") {
  throw Error(std::string(what) + " are not supported by this version of ocx", ErrorKind::unsupported)
      .at("/linux/resources/" + property)
      .hint("remove the setting");
}

struct Property {
  bool set;
  const char* name;
};

template <std::size_t N>
void refuse_any(const char* object, const Property (&properties)[N]) {
  for (const Property& property : properties)
    if (property.set) refuse(std::string(object) + "/" + property.name);
}

/// RFC 6901: "~" and "/" in a name are written "~0" and "~1".
std::string pointer_token(std::string_view name) {
  std::string token;
  for (const char c : name) {
    if (c == '~')
      token += "~0";
    else if (c == '/')
      token += "~1";
    else
      token += c;
  }
  return token;
}

void refuse_memory(const spec::MemoryLimits& memory) {
  refuse_any("memory", {{memory.limit.has_value(), "limit"},
                        {memory.reservation.has_value(), "reservation"},
                        {memory.swap.has_value(), "swap"},
                        {memory.kernel.has_value(), "kernel"},
                        {memory.kernel_tcp.has_value(), "kernelTCP"},
                        {memory.swappiness.has_value(), "swappiness"},
                        {memory.disable_oom_killer.has_value(), "disableOOMKiller"},
                        {memory.use_hierarchy.has_value(), "useHierarchy"},
                        {memory.check_before_update, "checkBeforeUpdate"}});
}

void refuse_cpu(const spec::CpuLimits& cpu) {
  refuse_any("cpu", {{cpu.shares.has_value(), "shares"},
                     {cpu.burst.has_value(), "burst"},
                     {cpu.period.has_value(), "period"},
                     {cpu.realtime_period.has_value(), "realtimePeriod"},
                     {cpu.quota.has_value(), "quota"},
                     {cpu.realtime_runtime.has_value(), "realtimeRuntime"},
                     {cpu.idle.has_value(), "idle"},
                     {cpu.cpus.has_value(), "cpus"},
                     {cpu.mems.has_value(), "mems"}});
}

void refuse_block_io(const spec::BlockIo& io) {
  refuse_any("blockIO", {{io.weight.has_value(), "weight"},
                         {io.leaf_weight.has_value(), "leafWeight"},
                         {!io.weight_device.empty(), "weightDevice"},
                         {!io.throttle_read_bps.empty(), "throttleReadBpsDevice"},
                         {!io.throttle_write_bps.empty(), "throttleWriteBpsDevice"},
                         {!io.throttle_read_iops.empty(), "throttleReadIOPSDevice"},
                         {!io.throttle_write_iops.empty(), "throttleWriteIOPSDevice"}});
}

void refuse_others(const Resources& resources) {
  if (resources.pids_limit) refuse("pids/limit");
  if (!resources.hugepage_limits.empty()) refuse("hugepageLimits/0");
  if (resources.network)
    refuse_any("network", {{resources.network->class_id.has_value(), "classID"},
                           {!resources.network->priorities.empty(), "priorities"}});
  if (!resources.rdma.empty()) refuse("rdma/" + pointer_token(resources.rdma.begin()->first));
  if (!resources.unified.empty()) refuse("unified/" + pointer_token(resources.unified.begin()->first));
}

bool denies_everything(const spec::DeviceRule& rule) {
  return !rule.allow && rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write &&
         rule.mknod;
}

/// Without the v1 controller a device policy is an eBPF program, which this version has no driver for. The
/// one exemption until it has: the lone deny-all rule of `ocx spec`, which nearly every bundle carries, is
/// accepted without effect.
void refuse_devices(const std::vector<spec::DeviceRule>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (i > 0 || !denies_everything(rules[i]))
      refuse("devices/" + std::to_string(i), "device rules without cgroup v1");
}

}  // namespace

void refuse_unsupported(const Resources& resources, bool v2) {
  if (v2)
    refuse_devices(resources.devices);
  else
    device_writes(resources.devices);  // refuses what v1 can't say
  if (resources.memory) refuse_memory(*resources.memory);
  if (resources.cpu) refuse_cpu(*resources.cpu);
  if (resources.block_io) refuse_block_io(*resources.block_io);
  refuse_others(resources);
}

}  // namespace ocx::cgroups
