#include <sys/sysmacros.h>

#include <array>

#include "runtime/plan_parts.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

struct DefaultDevice {
  const char* path;
  unsigned major, minor;
};

// config-linux.md "Default Devices"; numbers from null(4), full(4), random(4), tty(4).
constexpr std::array<DefaultDevice, 6> default_devices{{{"/dev/null", 1, 3},
                                                        {"/dev/zero", 1, 5},
                                                        {"/dev/full", 1, 7},
                                                        {"/dev/random", 1, 8},
                                                        {"/dev/urandom", 1, 9},
                                                        {"/dev/tty", 5, 0}}};

step::DeviceNode listed_device(const PlanInput& in, std::size_t index) {
  const spec::Device& device = in.config.linux.devices[index];
  step::DeviceNode node;
  node.type = device.type == 'u' ? 'c' : device.type;
  node.path = sys::clean_path(device.path);
  node.device = makedev(static_cast<unsigned>(device.major), static_cast<unsigned>(device.minor));
  node.mode = device.file_mode.value_or(0666);
  node.uid = device.uid.value_or(0);
  node.gid = device.gid.value_or(0);
  // A FIFO is no device to the kernel: mkfifo works in every user namespace.
  node.bind = in.bind_devices() && node.type != 'p';
  node.origin = pointer("/linux/devices", index);
  return node;
}

bool has_proc(const PlanInput& in) {
  for (const spec::Mount& mount : in.config.mounts)
    if (sys::clean_path("/" + mount.destination) == "/proc") return true;
  return false;
}

}  // namespace

std::vector<step::DeviceNode> plan_devices(const PlanInput& in) {
  std::vector<step::DeviceNode> nodes;
  for (std::size_t i = 0; i < in.config.linux.devices.size(); ++i) nodes.push_back(listed_device(in, i));
  for (const DefaultDevice& device : default_devices) {
    bool listed = false;
    for (const step::DeviceNode& node : nodes) listed = listed || node.path == device.path;
    if (listed) continue;
    step::DeviceNode node;
    node.path = device.path;
    node.device = makedev(device.major, device.minor);
    node.bind = in.bind_devices();
    nodes.push_back(node);
  }
  return nodes;
}

std::vector<step::SymbolicLink> plan_links(const PlanInput& in) {
  std::vector<step::SymbolicLink> links{{"pts/ptmx", "/dev/ptmx", true}};
  // "if the source file exists after processing mounts": /proc/self/fd exists where a /proc is mounted.
  if (has_proc(in)) {
    links.push_back({"/proc/self/fd", "/dev/fd", false});
    links.push_back({"/proc/self/fd/0", "/dev/stdin", false});
    links.push_back({"/proc/self/fd/1", "/dev/stdout", false});
    links.push_back({"/proc/self/fd/2", "/dev/stderr", false});
  }
  return links;
}

}  // namespace ocx::runtime
