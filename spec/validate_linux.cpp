// config-linux.md, all but namespaces, control groups and seccomp.
#include <algorithm>
#include <set>

#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

void validate_time_offsets(const std::map<std::string, TimeOffset>& offsets) {
  for (const auto& [clock, offset] : offsets) {
    const std::string base = pointer("/linux/timeOffsets", {clock});
    if (std::find(std::begin(time_clocks), std::end(time_clocks), clock) == std::end(time_clocks))
      throw broken("unknown clock " + sys::quote(clock), base).hint("known are monotonic, boottime");
    if (offset.nanosecs >= 1'000'000'000)
      throw broken(std::to_string(offset.nanosecs) + " is out of range 0..999999999",
                   pointer(base, {"nanosecs"}));
  }
}

void validate_device(const Device& device, const std::string& base) {
  check_absolute(device.path, "a device's path", pointer(base, {"path"}));
  if (sys::clean_path(device.path) == "/")
    throw broken("a device can't be the root", pointer(base, {"path"}));
  if (device.uid == 0xffffffff)
    throw broken("4294967295 is no id: Linux takes it as \"none\"", pointer(base, {"uid"}));
  if (device.gid == 0xffffffff)
    throw broken("4294967295 is no id: Linux takes it as \"none\"", pointer(base, {"gid"}));
}

std::string device_identity(const Device& device) {
  const char type = device.type == 'u' ? 'c' : device.type;
  return std::string(1, type) + ' ' + std::to_string(device.major) + ':' + std::to_string(device.minor);
}

// config-linux.md, "Devices": a device "SHOULD NOT" be listed twice; two at one path can't both be there.
void validate_devices(const std::vector<Device>& devices, Warnings& warnings) {
  std::map<std::string, std::string> at_path;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const std::string base = pointer("/linux/devices", i), identity = device_identity(devices[i]);
    validate_device(devices[i], base);
    const auto [other, fresh] = at_path.emplace(sys::clean_path(devices[i].path), identity);
    if (!fresh && other->second != identity)
      throw broken(sys::quote(devices[i].path) + " is already the path of another device",
                   pointer(base, {"path"}));
    if (!seen.insert(identity).second && devices[i].type != 'p')
      warnings.push_back("device " + identity + " is listed more than once (" + base + "), keeping both");
  }
}

// netdevice(7); one "%d" lets the kernel pick a number.
void validate_net_devices(const std::map<std::string, NetDevice>& devices) {
  std::set<std::string> names;
  for (const auto& [host_name, device] : devices) {
    const std::string base = pointer("/linux/netDevices", {host_name});
    if (!is_interface_name(host_name))
      throw broken(sys::quote(host_name) + " is no name of a network interface", base);
    const std::string& name = device.name.empty() ? host_name : device.name;
    const std::string origin = pointer(base, {"name"});
    const std::size_t percent = name.find('%');
    const bool is_template = percent != std::string::npos && name.substr(percent) == "%d";
    if (!is_interface_name(name) || (percent != std::string::npos && !is_template))
      throw broken(sys::quote(name) + " is no name of a network interface", origin)
          .hint("1 to 15 bytes, without / : and blanks");
    if (!is_template && !names.insert(name).second)
      throw broken("two network devices are to be named " + sys::quote(name), origin);
  }
}

// A ".." would name a cgroup outside the mount point, or outside of what was delegated.
void validate_cgroups_path(const std::string& path) {
  for (const std::string& component : sys::split(path, '/'))
    if (component == "..")
      throw broken("the path " + sys::quote(path) + " has \"..\" in it", "/linux/cgroupsPath")
          .hint("write the path out");
  if (path.find('\n') != std::string::npos)
    throw broken("the path " + sys::quote(path) + " has a line break in it", "/linux/cgroupsPath");
}

void check_one_line(const std::string& text, const std::string& origin) {
  if (text.find('\n') != std::string::npos)
    throw broken("a schemata line has no line break", origin)
        .hint("use one element of /linux/intelRdt/schemata a line");
}

void validate_intel_rdt(const IntelRdt& rdt, Warnings& warnings) {
  const std::string base = "/linux/intelRdt";
  const std::string clos = rdt.clos_id.value_or("/");
  const bool component = clos != "." && clos != ".." && clos.find_first_of("/\n") == std::string::npos;
  if (clos != "/" && !component)
    throw broken(sys::quote(clos) + " is no name of a directory below resctrl", base + "/closID");
  if (rdt.l3_cache_schema && !rdt.l3_cache_schema->starts_with("L3:"))
    warnings.push_back("the value should start with \"L3:\" (" + base + "/l3CacheSchema), passing it on");
  if (rdt.l3_cache_schema && rdt.l3_cache_schema->find('\n') != std::string::npos)
    warnings.push_back("the value should be one line (" + base + "/l3CacheSchema), passing it on");
  if (rdt.mem_bw_schema && !rdt.mem_bw_schema->starts_with("MB:"))
    throw broken("the value has to start with \"MB:\"", base + "/memBwSchema");
  check_one_line(rdt.mem_bw_schema.value_or(""), base + "/memBwSchema");
  for (std::size_t i = 0; i < rdt.schemata.size(); ++i)
    check_one_line(rdt.schemata[i], pointer(base + "/schemata", i));
}

void validate_paths(const std::vector<std::string>& paths, std::string_view base) {
  for (std::size_t i = 0; i < paths.size(); ++i) check_absolute(paths[i], "the path", pointer(base, i));
}

}  // namespace

void validate_linux(const Linux& linux, Warnings& warnings) {
  validate_time_offsets(linux.time_offsets);
  validate_devices(linux.devices, warnings);
  validate_net_devices(linux.net_devices);
  if (linux.cgroups_path) validate_cgroups_path(*linux.cgroups_path);
  if (linux.resources) validate_resources(*linux.resources, "/linux/resources");
  if (linux.intel_rdt) validate_intel_rdt(*linux.intel_rdt, warnings);
  if (linux.memory_policy) validate_memory_policy(*linux.memory_policy);
  validate_paths(linux.masked_paths, "/linux/maskedPaths");
  validate_paths(linux.readonly_paths, "/linux/readonlyPaths");
  if (linux.seccomp) validate_seccomp(*linux.seccomp);
}

}  // namespace ocx::spec
