// One run of a plug-in (CNI specification, section 2): parameters in the environment, the request on standard
// input, a result or an error on standard output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/ocx-cni/network.hpp"
#include "sys/capture.hpp"

namespace ocx::cni {

/// What is the same for all plug-ins of a container.
struct Sandbox {
  std::string container;
  std::string network_namespace;  // a path; "" when there is none any more
  std::string arguments;          // CNI_ARGS
  std::string plugin_path;        // CNI_PATH
};

/// `inherited` with the parameters in it, and a PATH if there is none: plug-ins look for iptables and the
/// like.
std::vector<std::string> plugin_environment(std::vector<std::string> inherited, const Sandbox& sandbox,
                                            std::string_view command, const std::string& interface);

/// The file of that name in the directories, which are separated by colons. Error: it is in none of them.
std::string find_plugin(const std::string& type, const std::string& plugin_path);

/// What a plug-in printed that ended well: its result, for other commands than ADD null. Error: it ended
/// badly (then with its own message, code and details, in one line), or what it printed is no result.
json plugin_result(const sys::Captured& run, std::string_view command, const std::string& version);

/// Runs it to its end. What it writes to standard error goes to ours. Errors name the plug-in.
json run_plugin(const std::string& type, const json& request, const Sandbox& sandbox,
                std::string_view command, const std::string& interface);

}  // namespace ocx::cni
