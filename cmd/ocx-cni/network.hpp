// A network of /etc/cni/net.d (CNI specification, section 1), and what of it a plug-in is given (section 3).
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.hpp"

namespace ocx::cni {

using nlohmann::json;

struct Network {
  std::string name;
  std::string version;  // the one that is spoken: the highest that the configuration and this program know
  bool check = true;    // no disableCheck
  std::vector<json> plugins;  // at least one, each an object with a usable "type"
};

/// JSON with an error that names it in one line; `what`: `network configuration "10-x.conflist"`.
json parse_object(std::string_view text, const std::string& what);
/// The member if it is a text, "" if there is none. Error: it is something else.
std::string text_member(const json& object, const char* name);

/// A file of any of the three kinds: a list of plug-ins, or a lone one (before 0.3.0 there was nothing else).
/// With an empty list it is complete only after add_plugin. Error: names `file` and what is wrong.
Network parse_network(std::string_view text, const std::string& file);
/// Takes one more plug-in, from a file beside the network's (loadOnlyInlinedPlugins).
void add_plugin(Network& network, std::string_view text, const std::string& file);
/// True for 1.0.0 and 0.4.0: dotted numbers, compared as such. Malformed ones are below all.
bool at_least(std::string_view version, std::string_view other);

/// The networks of that name in the directory, in the order of the names; without a name the first one by
/// the files' lexical order. Error: none of that name (tells which there are), a broken file that is needed.
std::vector<Network> load_networks(const std::string& directory, const std::vector<std::string>& names);

/// What the plug-in reads. `capabilities`: an object, of which it gets what it declares. `previous`: a
/// result, or null. Section 3, "Deriving request configuration from plugin configuration".
json plugin_request(const Network& network, const json& plugin, const json& capabilities,
                    const json& previous);
/// Any plug-in of the network declares it.
bool has_capability(const Network& network, const std::string& capability);

}  // namespace ocx::cni
