#include "cmd/ocx-cni/attachment.hpp"

#include <algorithm>

#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

constexpr std::string_view first_with_check = "0.4.0";  // and with prevResult for DEL
constexpr std::size_t longest_interface_name = 15;      // IFNAMSIZ with its NUL is 16

std::string type_of(const json& plugin) {
  return plugin["type"].get<std::string>();
}

json last_result(const Attachment& attachment) {
  return at_least(attachment.network.version, first_with_check) ? attachment.result : json();
}

std::string of_network(const Attachment& attachment) {
  return "network " + sys::quote(attachment.network.name);
}

}  // namespace

void attach(Attachment& attachment, const Sandbox& sandbox) {
  try {
    for (const json& plugin : attachment.network.plugins)
      attachment.result =
          run_plugin(type_of(plugin),
                     plugin_request(attachment.network, plugin, attachment.capabilities, attachment.result),
                     sandbox, "ADD", attachment.interface);
  } catch (Error& error) {
    error.in(of_network(attachment));
    throw;
  }
}

std::vector<std::string> detach(const Attachment& attachment, const Sandbox& sandbox) {
  std::vector<std::string> errors;
  const std::vector<json>& plugins = attachment.network.plugins;
  for (auto plugin = plugins.rbegin(); plugin != plugins.rend(); ++plugin) {
    try {
      run_plugin(
          type_of(*plugin),
          plugin_request(attachment.network, *plugin, attachment.capabilities, last_result(attachment)),
          sandbox, "DEL", attachment.interface);
    } catch (Error& error) {
      errors.emplace_back(error.in(of_network(attachment)).what());
    }
  }
  return errors;
}

bool check(const Attachment& attachment, const Sandbox& sandbox) {
  if (!attachment.network.check || !at_least(attachment.network.version, first_with_check)) return false;
  try {
    for (const json& plugin : attachment.network.plugins)
      run_plugin(type_of(plugin),
                 plugin_request(attachment.network, plugin, attachment.capabilities, attachment.result),
                 sandbox, "CHECK", attachment.interface);
  } catch (Error& error) {
    error.in(of_network(attachment));
    throw;
  }
  return true;
}

std::vector<std::string> addresses(const json& result) {
  std::vector<std::string> list;
  if (!result.is_object() || !result.contains("ips") || !result["ips"].is_array()) return list;
  for (const json& entry : result["ips"])
    if (entry.is_object() && entry.contains("address") && entry["address"].is_string())
      list.push_back(entry["address"]);
  return list;
}

std::string interface_name(const std::string& first, std::size_t number) {
  const std::size_t digits = first.find_last_not_of("0123456789") + 1;
  std::string name = first;
  if (number > 0) {
    const auto begin = sys::parse_uint(std::string_view(first).substr(digits));
    name = first.substr(0, digits) + std::to_string(begin.value_or(0) + number);
  }
  const bool usable = !name.empty() && name.size() <= longest_interface_name && name != "." && name != ".." &&
                      std::none_of(name.begin(), name.end(), [](char byte) {
                        return static_cast<unsigned char>(byte) <= ' ' || byte == '/' || byte == ':';
                      });
  if (!usable) throw Error("no interface can have the name " + sys::quote(name), ErrorKind::usage);
  return name;
}

}  // namespace ocx::cni
