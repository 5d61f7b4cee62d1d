#include "cmd/ocx-cni/network.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

// Without conversion of results, which changed their form with 0.3.0; nobody mixes these.
constexpr std::array<std::string_view, 7> known_versions{"0.1.0", "0.2.0", "0.3.0", "0.3.1",
                                                         "0.4.0", "1.0.0", "1.1.0"};
constexpr std::string_view first_with_lists = "0.3.0";

Error invalid(const std::string& what, const std::string& problem) {
  return Error(what + ": " + problem, ErrorKind::invalid_config);
}

bool is_alphanumeric(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 && static_cast<unsigned char>(byte) < 0x80;
}

// The rule for names of networks; they become names of files, too.
bool is_name(std::string_view name) {
  if (name.empty() || !is_alphanumeric(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char byte) {
    return is_alphanumeric(byte) || byte == '_' || byte == '.' || byte == '-';
  });
}

std::string known() {
  std::string list;
  for (std::string_view version : known_versions) list.append(list.empty() ? "" : ", ").append(version);
  return list;
}

std::string choose_version(const json& object, const std::string& what) {
  std::vector<std::string> offered;
  const std::string one = text_member(object, "cniVersion");
  // The first version of the specification had no such member.
  offered.push_back(one.empty() ? "0.1.0" : one);
  const json& more = object.value("cniVersions", json::array());
  if (!more.is_array()) throw invalid(what, "\"cniVersions\" is no list");
  for (const json& version : more) {
    if (!version.is_string()) throw invalid(what, "\"cniVersions\" has something other than texts");
    offered.push_back(version);
  }
  for (auto version = known_versions.rbegin(); version != known_versions.rend(); ++version)
    if (std::find(offered.begin(), offered.end(), *version) != offered.end()) return std::string(*version);
  throw invalid(what, "its cniVersion " + sys::quote(sys::join(offered, ", ")) + " is unknown")
      .hint("versions known here are " + known());
}

// Go's library takes the texts "true" and "false" as well, so configurations have them.
bool boolean_member(const json& object, const char* name, const std::string& what) {
  const auto found = object.find(name);
  if (found == object.end()) return false;
  if (found->is_boolean()) return found->get<bool>();
  if (*found == "true" || *found == "false") return *found == "true";
  throw invalid(what, std::string("\"") + name + "\" is neither true nor false");
}

void append_plugin(Network& network, const json& plugin, const std::string& what) {
  if (!plugin.is_object()) throw invalid(what, "a plug-in of it is no JSON object");
  const std::string type = text_member(plugin, "type");
  if (type.empty()) throw invalid(what, "a plug-in of it has no \"type\"");
  // It is looked up in the directories of plug-ins, and must not lead out of them.
  if (type.find('/') != std::string::npos || type == "." || type == "..")
    throw invalid(what, "the type " + sys::quote(type) + " is no name of a file");
  if (plugin.contains("capabilities") && !plugin["capabilities"].is_object())
    throw invalid(what, "\"capabilities\" of " + sys::quote(type) + " is no JSON object");
  network.plugins.push_back(plugin);
}

std::vector<json> plugins_of(const json& object, const std::string& what) {
  const auto list = object.find("plugins");
  if (list != object.end()) {
    if (!list->is_array()) throw invalid(what, "\"plugins\" is no list");
    return {list->begin(), list->end()};
  }
  return object.contains("type") ? std::vector<json>{object} : std::vector<json>{};
}

}  // namespace

json parse_object(std::string_view text, const std::string& what) {
  json object;
  try {
    object = json::parse(text);
  } catch (const json::parse_error& error) {
    throw invalid(what, "no valid JSON, at byte " + std::to_string(error.byte));
  }
  if (!object.is_object()) throw invalid(what, "no JSON object");
  return object;
}

std::string text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return {};
  if (!found->is_string()) throw Error(std::string("\"") + name + "\" is no text", ErrorKind::invalid_config);
  return *found;
}

Network parse_network(std::string_view text, const std::string& file) {
  const std::string what = "network configuration " + sys::quote(file);
  const json object = parse_object(text, what);
  try {
    Network network;
    network.name = text_member(object, "name");
    if (!is_name(network.name))
      throw invalid(what, "the name " + sys::quote(network.name) + " is not usable");
    network.version = choose_version(object, what);
    network.check = !boolean_member(object, "disableCheck", what);
    for (const json& plugin : plugins_of(object, what)) append_plugin(network, plugin, what);
    if (network.plugins.size() > 1 && !at_least(network.version, first_with_lists))
      throw invalid(what, "a list of plug-ins needs cniVersion 0.3.0 or later, this is " + network.version);
    if (network.plugins.empty() && boolean_member(object, "loadOnlyInlinedPlugins", what))
      throw invalid(what, "it has no plug-ins");
    return network;
  } catch (Error& error) {
    if (error.message().compare(0, what.size(), what) != 0) error.in(what);
    throw;
  }
}

void add_plugin(Network& network, std::string_view text, const std::string& file) {
  const std::string what = "plug-in configuration " + sys::quote(file);
  append_plugin(network, parse_object(text, what), what);
}

bool at_least(std::string_view version, std::string_view other) {
  const std::vector<std::string> left = sys::split(version, '.'), right = sys::split(other, '.');
  for (std::size_t i = 0; i < 3; ++i) {
    const auto number = [i](const std::vector<std::string>& parts) {
      return i < parts.size() ? sys::parse_uint(parts[i]).value_or(0) : 0;
    };
    if (number(left) != number(right)) return number(left) > number(right);
  }
  return true;
}

json plugin_request(const Network& network, const json& plugin, const json& capabilities,
                    const json& previous) {
  json request = plugin;
  request.erase("capabilities");
  request.erase("runtimeConfig");
  request["cniVersion"] = network.version;
  request["name"] = network.name;
  const json declared = plugin.value("capabilities", json::object());
  for (const auto& [name, value] : capabilities.items())
    if (declared.contains(name) && declared[name] == true) request["runtimeConfig"][name] = value;
  if (!previous.is_null()) request["prevResult"] = previous;
  return request;
}

bool has_capability(const Network& network, const std::string& capability) {
  return std::any_of(network.plugins.begin(), network.plugins.end(), [&](const json& plugin) {
    const json declared = plugin.value("capabilities", json::object());
    return declared.contains(capability) && declared[capability] == true;
  });
}

}  // namespace ocx::cni
