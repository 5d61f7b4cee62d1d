// The directory of networks.
#include <algorithm>
#include <map>

#include "cmd/ocx-cni/network.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

bool has_ending(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) {
    return name.size() > ending.size() && name.substr(name.size() - ending.size()) == ending;
  });
}

std::vector<std::string> sorted_files(sys::FdRef directory, std::initializer_list<std::string_view> endings) {
  std::vector<std::string> names;
  for (std::string& name : sys::list_directory(directory))
    if (has_ending(name, endings)) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

/// Of the file, and of the directory beside it that has the network's name.
Network load(sys::FdRef directory, const std::string& file) {
  const std::string text = sys::read_file(directory, file);
  Network network = parse_network(text, file);
  const json object = json::parse(text);
  const json only_inlined = object.value("loadOnlyInlinedPlugins", json(false));
  const sys::FdResult more = sys::try_openat(directory, network.name, O_RDONLY | O_DIRECTORY);
  if (more && only_inlined != true && only_inlined != "true")
    for (const std::string& name : sorted_files(more.fd, {".conf"}))
      add_plugin(network, sys::read_file(more.fd, name), network.name + "/" + name);
  if (network.plugins.empty())
    throw Error("network configuration " + sys::quote(file) + ": it has no plug-ins",
                ErrorKind::invalid_config);
  return network;
}

sys::UniqueFd open_directory(const std::string& path) {
  sys::FdResult opened = sys::try_openat(sys::FdRef::cwd(), path, O_RDONLY | O_DIRECTORY);
  if (opened) return std::move(opened.fd);
  throw Error::from_errno("open the networks' directory " + sys::quote(path), opened.error_number)
      .hint("--config-dir names another one");
}

Error unknown_network(const std::string& name, const std::string& path,
                      const std::map<std::string, Network>& there, const std::vector<std::string>& broken) {
  std::vector<std::string> names;
  for (const auto& [other, network] : there) names.push_back(other);
  Error error("no network " + sys::quote(name) + " in " + sys::quote(path) +
                  ", only: " + (names.empty() ? "none" : sys::join(names, ", ")),
              ErrorKind::does_not_exist);
  // What is not asked for may be broken; what is asked for may be the broken one.
  if (!broken.empty()) error.hint(broken.front());
  return error;
}

}  // namespace

std::vector<Network> load_networks(const std::string& path, const std::vector<std::string>& names) {
  const sys::UniqueFd directory = open_directory(path);
  const std::vector<std::string> files = sorted_files(directory, {".conf", ".conflist", ".json"});
  if (files.empty())
    throw Error("no network in " + sys::quote(path), ErrorKind::does_not_exist)
        .hint("a network is a file *.conflist, *.conf or *.json there");
  if (names.empty()) return {load(directory, files.front())};

  std::map<std::string, Network> there;
  std::vector<std::string> broken;
  for (const std::string& file : files) {
    try {
      Network network = load(directory, file);
      there.try_emplace(network.name, network);
    } catch (const Error& error) {
      broken.emplace_back(error.what());
    }
  }
  std::vector<Network> found;
  for (const std::string& name : names) {
    const auto network = there.find(name);
    if (network == there.end()) throw unknown_network(name, path, there, broken);
    found.push_back(network->second);
  }
  return found;
}

}  // namespace ocx::cni
