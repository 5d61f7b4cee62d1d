// The command line of ocx-cni.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/ocx-cni/network.hpp"

namespace ocx::cni {

struct Request {
  std::string command;            // add, check, del, list, or help
  std::optional<std::string> id;  // instead of a state on standard input
  std::string config_directory, state_directory, plugin_path, arguments, interface;
  std::vector<std::string> networks;
  json capabilities = json::object();
};

/// `words`: without the program's name. Errors: ErrorKind::usage.
Request parse_request(const std::vector<std::string>& words);

/// "[ADDRESS:]HOST:CONTAINER[/PROTOCOL]", an entry of portMappings: "8080:80", "127.0.0.1:53:53/udp". Error
/// (usage): it is none.
json parse_port(const std::string& text);

std::string help();

}  // namespace ocx::cni
