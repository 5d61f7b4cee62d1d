// linux.netDevices: network devices that leave the runtime's network namespace for the container's
// (config-linux.md, "Network Devices").
#pragma once

#include <linux/if_addr.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan.hpp"
#include "sys/fd.hpp"
#include "sys/netlink.hpp"
#include "sys/procfs.hpp"
#include "sys/rollback.hpp"

namespace ocx::runtime {

/// An address as the kernel told it, to be given again.
struct NetAddress {
  ifaddrmsg header{};
  std::vector<std::pair<std::uint16_t, std::string>> attributes;
};

/// The permanent addresses of global scope among the messages of an RTM_GETADDR dump, of one interface; in
/// their order, which decides what is primary. Pure.
std::vector<NetAddress> lasting_addresses(const std::vector<sys::NetlinkMessage>& dump, int index);
/// "eth0:1" of a device that is renamed; "" where the label would get too long: the kernel then takes the
/// name.
std::string renamed_label(const std::string& label, const std::string& old_name, const std::string& new_name);

/// Moves between the runtime's network namespace and that of a process. Holds both, so that there is a way
/// back even when the process is gone.
class NetDeviceMover {
 public:
  /// Opens them; enters the process's for that moment. Needs CAP_SYS_ADMIN over its owner.
  NetDeviceMover(const sys::Procfs& proc, int pid);

  /// Checks all, then moves one after the other: rename and move in one request, then the addresses, which
  /// the kernel drops on the way, then up. Each arms its way back, which must not outlive this object.
  /// Errors, with the device's origin: no such device; the name is taken in the container; the kernel lets it
  /// not go; no right.
  void move(const std::vector<NetDeviceMove>& devices, sys::Rollback& rollback);

 private:
  struct Device {
    NetDeviceMove wish;
    int index = 0, index_there = 0;
    bool was_up = false;
    std::vector<NetAddress> addresses;
    std::string name_there;
  };

  Device find(const NetDeviceMove& wish);
  void choose_indices(std::vector<Device>& devices);
  void move_one(Device& device);
  void bring_back(const Device& device);

  sys::UniqueFd namespace_here_, namespace_there_;
  sys::NetlinkSocket here_, there_;
};

}  // namespace ocx::runtime
