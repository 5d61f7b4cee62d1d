#include "runtime/net_devices.hpp"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "runtime/adopt.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::runtime {
namespace {

struct Link {
  int index = 0;
  bool up = false;
  std::string name;
};

std::optional<Link> parse_link(const sys::NetlinkMessage& message) {
  const auto info = message.body<ifinfomsg>();
  if (message.type != RTM_NEWLINK || !info) return std::nullopt;
  Link link{info->ifi_index, (info->ifi_flags & IFF_UP) != 0, {}};
  for (const sys::NetlinkAttribute& attribute :
       sys::parse_netlink_attributes(message.content, sizeof(ifinfomsg)))
    if (attribute.type == IFLA_IFNAME) link.name = attribute.text();
  return link;
}

std::vector<Link> all_links(sys::NetlinkSocket& socket) {
  std::vector<Link> links;
  const sys::NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  for (const sys::NetlinkMessage& message : socket.dump(request, "list network devices"))
    if (auto link = parse_link(message)) links.push_back(std::move(*link));
  return links;
}

/// Nothing when there is none.
std::optional<Link> first_link(sys::NetlinkSocket& socket, const sys::NetlinkRequest& request) {
  const sys::NetlinkAnswer answer = socket.ask(request);
  if (answer.error_number == ENODEV) return std::nullopt;
  if (!answer) throw_errno("look up a network device", answer.error_number);
  for (const sys::NetlinkMessage& message : answer.messages)
    if (auto link = parse_link(message)) return link;
  return std::nullopt;
}

std::optional<Link> link_named(sys::NetlinkSocket& socket, const std::string& name) {
  sys::NetlinkRequest request(RTM_GETLINK, 0, ifinfomsg{});
  return first_link(socket, request.add_text(IFLA_IFNAME, name));
}

ifinfomsg body_of(int index) {
  ifinfomsg body{};
  body.ifi_index = index;
  return body;
}

std::optional<Link> link_at(sys::NetlinkSocket& socket, int index) {
  return first_link(socket, sys::NetlinkRequest(RTM_GETLINK, 0, body_of(index)));
}

/// Throws what the kernel refused.
void demand(sys::NetlinkSocket& socket, const sys::NetlinkRequest& request, const std::string& what) {
  const sys::NetlinkAnswer answer = socket.ask(request);
  if (answer) return;
  throw Error::from_errno(what + (answer.words.empty() ? "" : " (" + answer.words + ")"),
                          answer.error_number);
}

std::vector<NetAddress> read_addresses(sys::NetlinkSocket& socket, int index) {
  // Before Linux 4.20 the kernel tells those of all devices.
  ifaddrmsg filter{};
  filter.ifa_index = static_cast<std::uint32_t>(index);
  return lasting_addresses(
      socket.dump(sys::NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, filter), "list network addresses"), index);
}

void give_address(sys::NetlinkSocket& socket, const NetAddress& address, int index,
                  const std::string& old_name, const std::string& name) {
  ifaddrmsg header = address.header;
  header.ifa_index = static_cast<std::uint32_t>(index);
  sys::NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header);
  for (const auto& [type, value] : address.attributes) {
    if (type != IFA_LABEL) {
      request.add(type, value);
      continue;
    }
    const std::string label = renamed_label(value.substr(0, value.find('\0')), old_name, name);
    if (!label.empty()) request.add_text(IFA_LABEL, label);
  }
  demand(socket, request, "give network device " + sys::quote(name) + " its addresses");
}

void set_up(sys::NetlinkSocket& socket, int index, const std::string& name) {
  ifinfomsg body = body_of(index);
  body.ifi_flags = body.ifi_change = IFF_UP;
  demand(socket, sys::NetlinkRequest(RTM_NEWLINK, 0, body), "set network device " + sys::quote(name) + " up");
}

/// Rename and move are one request, so that no other device can take the name between.
sys::NetlinkRequest move_request(int index, sys::FdRef target, const std::string& name, int new_index) {
  sys::NetlinkRequest request(RTM_NEWLINK, 0, body_of(index));
  request.add_number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(target.raw())).add_text(IFLA_IFNAME, name);
  if (new_index != index) request.add_number(IFLA_NEW_IFINDEX, static_cast<std::uint32_t>(new_index));
  return request;
}

bool is_template(const std::string& name) {
  return name.find('%') != std::string::npos;
}

Error explained(Error error) {
  if (error.error_number() == EPERM)
    error.hint("moving a device takes CAP_NET_ADMIN over both network namespaces");
  if (error.error_number() == EINVAL) error.hint("the kernel keeps some kinds of devices in their namespace");
  return error;
}

sys::NetlinkSocket socket_inside(const sys::Procfs& proc, sys::FdRef ns) {
  AdoptedNamespaces adopted(proc);
  try {
    adopted.enter(CLONE_NEWNET, ns);
  } catch (Error& error) {
    throw error.in("enter the container's network namespace")
        .at("/linux/netDevices")
        .hint("moving a device takes CAP_SYS_ADMIN, and CAP_NET_ADMIN over both network namespaces");
  }
  return {};
}

sys::UniqueFd open_network(const sys::Procfs& proc, const std::string& process) {
  return sys::openat(proc.fd(), process + "/ns/net", O_RDONLY | O_CLOEXEC);
}

bool can_be_given(std::uint16_t attribute) {
  switch (attribute) {
    case IFA_ADDRESS:
    case IFA_LOCAL:
    case IFA_LABEL:
    case IFA_BROADCAST:
    case IFA_CACHEINFO:  // of a permanent one: that it is deprecated
    case IFA_FLAGS:
    case IFA_RT_PRIORITY:
    case IFA_PROTO:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<NetAddress> lasting_addresses(const std::vector<sys::NetlinkMessage>& dump, int index) {
  std::vector<NetAddress> result;
  for (const sys::NetlinkMessage& message : dump) {
    const auto header = message.body<ifaddrmsg>();
    if (message.type != RTM_NEWADDR || !header || header->ifa_index != static_cast<std::uint32_t>(index))
      continue;
    std::uint32_t flags = header->ifa_flags;
    NetAddress address{*header, {}};
    for (const sys::NetlinkAttribute& attribute :
         sys::parse_netlink_attributes(message.content, sizeof(ifaddrmsg))) {
      if (attribute.type == IFA_FLAGS) flags = attribute.number().value_or(flags);
      if (can_be_given(attribute.type)) address.attributes.emplace_back(attribute.type, attribute.value);
    }
    if ((flags & IFA_F_PERMANENT) != 0 && header->ifa_scope == RT_SCOPE_UNIVERSE)
      result.push_back(std::move(address));
  }
  return result;
}

std::string renamed_label(const std::string& label, const std::string& old_name,
                          const std::string& new_name) {
  if (label == old_name) return new_name;
  if (!label.starts_with(old_name + ":")) return label;
  std::string renamed = new_name + label.substr(old_name.size());
  return renamed.size() < IFNAMSIZ ? renamed : "";
}

NetDeviceMover::NetDeviceMover(const sys::Procfs& proc, int pid)
    : namespace_here_(open_network(proc, "self")),
      namespace_there_(open_network(proc, std::to_string(pid))),
      there_(socket_inside(proc, namespace_there_)) {}

NetDeviceMover::Device NetDeviceMover::find(const NetDeviceMove& wish) {
  const auto link = link_named(here_, wish.host_name);
  if (!link)
    throw Error("the runtime's network namespace has no device " + sys::quote(wish.host_name))
        .at(wish.origin);
  return {wish, link->index, link->index, link->up, read_addresses(here_, link->index), {}};
}

/// The index is what finds a device again whose name the kernel chooses. It keeps its own unless that is
/// taken.
void NetDeviceMover::choose_indices(std::vector<Device>& devices) {
  std::set<int> taken;
  std::set<std::string> names;
  for (const Link& link : all_links(there_)) {
    taken.insert(link.index);
    names.insert(link.name);
  }
  for (Device& device : devices) {
    if (names.count(device.wish.name) != 0)
      throw Error("the container's network namespace has a device " + sys::quote(device.wish.name) +
                  " already")
          .at(device.wish.origin)
          .hint("choose another name, or one with %d");
    if (!taken.insert(device.index_there).second) {
      device.index_there = std::max(device.index, *taken.rbegin()) + 1;
      taken.insert(device.index_there);
    }
  }
}

void NetDeviceMover::move(const std::vector<NetDeviceMove>& wishes, sys::Rollback& rollback) {
  std::vector<Device> devices;
  for (const NetDeviceMove& wish : wishes) devices.push_back(find(wish));
  choose_indices(devices);
  for (Device& found : devices) {
    const auto device = std::make_shared<Device>(std::move(found));
    rollback.arm([this, device] { bring_back(*device); });
    try {
      move_one(*device);
    } catch (Error& error) {
      throw explained(error).at(device->wish.origin);
    }
  }
}

void NetDeviceMover::move_one(Device& device) {
  const NetDeviceMove& wish = device.wish;
  demand(here_, move_request(device.index, namespace_there_, wish.name, device.index_there),
         "move network device " + sys::quote(wish.host_name) + " into the container");
  // Before Linux 5.13 the index can't be chosen: by name then.
  const auto link =
      is_template(wish.name) ? link_at(there_, device.index_there) : link_named(there_, wish.name);
  if (!link) throw_errno("find network device " + sys::quote(wish.name) + " in the container", ENODEV);
  device.index_there = link->index;
  device.name_there = link->name;
  for (const NetAddress& address : device.addresses)
    give_address(there_, address, link->index, wish.host_name, link->name);
  set_up(there_, link->index, link->name);
}

/// Routes and neighbours of the device are lost, as the kernel dropped them when it left.
void NetDeviceMover::bring_back(const Device& device) {
  if (!link_at(there_, device.index_there)) return;  // it never went
  const std::string& name = device.wish.host_name;
  demand(there_, move_request(device.index_there, namespace_here_, name, device.index),
         "move network device " + sys::quote(name) + " back");
  const auto link = link_named(here_, name);
  if (!link) throw_errno("find network device " + sys::quote(name) + " again", ENODEV);
  for (const NetAddress& address : device.addresses) give_address(here_, address, link->index, name, name);
  if (device.was_up) set_up(here_, link->index, name);
}

}  // namespace ocx::runtime
