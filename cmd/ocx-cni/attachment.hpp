// One network of one container: the chain of its plug-ins (CNI specification, section 3).
#pragma once

#include <string>
#include <vector>

#include "cmd/ocx-cni/network.hpp"
#include "cmd/ocx-cni/plugin.hpp"

namespace ocx::cni {

struct Attachment {
  Network network;
  std::string interface;
  json capabilities = json::object();  // name -> value
  json result;                         // the last plug-in's; null until there is one
};

/// Runs the plug-ins in order, each with the result of the one before. Error: one fails; `result` is then
/// that of the last one that did not, and `attachment` has to be detached.
void attach(Attachment& attachment, const Sandbox& sandbox);
/// In reverse order. Goes on after an error: each plug-in is asked to remove what it can. Returns the errors.
std::vector<std::string> detach(const Attachment& attachment, const Sandbox& sandbox);
/// CHECK of each plug-in. Error: the first that is not content. False: the network's version has no CHECK
/// (before 0.4.0), or its configuration forbids it.
bool check(const Attachment& attachment, const Sandbox& sandbox);

/// "10.1.0.5/24" and so on, of the result.
std::vector<std::string> addresses(const json& result);

/// The interfaces of several networks: eth0, eth1, ... from the first's name. Error: no name that Linux
/// takes.
std::string interface_name(const std::string& first, std::size_t number);

}  // namespace ocx::cni
