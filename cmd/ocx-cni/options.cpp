#include "cmd/ocx-cni/options.hpp"

#include <algorithm>
#include <span>

#include "cmd/arguments.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

using cmd::Option;

constexpr Option help_option{"help", 'h', nullptr, ""};
constexpr Option state_option{"state-dir", 0, "DIR", ""};

constexpr Option add_options[] = {{"config-dir", 0, "DIR", ""},
                                  {"network", 0, "NAME", ""},
                                  {"ifname", 0, "NAME", ""},
                                  {"port", 'p', "PORTS", ""},
                                  {"capability", 0, "NAME=JSON", ""},
                                  {"args", 0, "K=V;...", ""},
                                  {"plugin-dir", 0, "DIRS", ""},
                                  state_option,
                                  help_option};
constexpr Option other_options[] = {state_option, help_option};

struct Command {
  const char* name;
  std::span<const Option> options;
  std::size_t positionals;  // at most
};
constexpr Command commands[] = {{"add", add_options, 0},
                                {"check", other_options, 1},
                                {"del", other_options, 1},
                                {"list", other_options, 0}};

const Command& find_command(const std::string& name) {
  for (const Command& command : commands)
    if (name == command.name) return command;
  throw Error("unknown command " + sys::quote(name) + ", it is add, check, del or list", ErrorKind::usage);
}

json port_number(std::string_view text, const std::string& all) {
  const auto number = sys::parse_uint(text);
  if (!number || *number < 1 || *number > 65535)
    throw Error("--port " + sys::quote(all) + ": " + sys::quote(text) + " is no port (1 to 65535)",
                ErrorKind::usage);
  return *number;
}

// "NAME=JSON"
void add_capability(json& capabilities, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error("--capability " + sys::quote(text) + " is not NAME=JSON", ErrorKind::usage);
  json value = json::parse(text.substr(equals + 1), nullptr, false);
  if (value.is_discarded())
    throw Error("--capability " + sys::quote(text) + ": what follows the = is no JSON", ErrorKind::usage);
  capabilities[text.substr(0, equals)] = std::move(value);
}

json capabilities_of(const cmd::Arguments& arguments) {
  json capabilities = json::object();
  for (const std::string& text : arguments.values("capability")) add_capability(capabilities, text);
  const std::vector<std::string> ports = arguments.values("port");
  if (!ports.empty() && capabilities.contains("portMappings"))
    throw Error("--port and --capability portMappings=... exclude each other", ErrorKind::usage);
  for (const std::string& text : ports) capabilities["portMappings"].push_back(parse_port(text));
  return capabilities;
}

}  // namespace

json parse_port(const std::string& text) {
  std::string ports = text, protocol = "tcp";
  if (const std::size_t slash = ports.find('/'); slash != std::string::npos) {
    protocol = ports.substr(slash + 1);
    ports.resize(slash);
  }
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
    throw Error("--port " + sys::quote(text) + ": the protocol is tcp, udp or sctp", ErrorKind::usage);
  const std::size_t inner = ports.rfind(':');
  if (inner == std::string::npos)
    throw Error("--port " + sys::quote(text) + " is not [ADDRESS:]HOST:CONTAINER[/PROTOCOL]",
                ErrorKind::usage);
  json mapping = {{"containerPort", port_number(ports.substr(inner + 1), text)}, {"protocol", protocol}};
  ports.resize(inner);
  if (const std::size_t outer = ports.rfind(':'); outer != std::string::npos) {
    std::string address = ports.substr(0, outer);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
      address = address.substr(1, address.size() - 2);
    mapping["hostIP"] = address;
    ports.erase(0, outer + 1);
  }
  mapping["hostPort"] = port_number(ports, text);
  return mapping;
}

Request parse_request(const std::vector<std::string>& words) {
  Request request;
  if (words.empty()) throw Error("a command is missing: add, check, del or list", ErrorKind::usage);
  request.command = words.front();
  if (request.command == "--help" || request.command == "-h" || request.command == "help") {
    request.command = "help";
    return request;
  }
  const Command& command = find_command(words.front());
  const cmd::Arguments arguments =
      cmd::parse_arguments(command.options, {words.begin() + 1, words.end()}, cmd::Order::anywhere);
  if (arguments.flag("help")) request.command = "help";
  if (arguments.positional().size() > command.positionals)
    throw Error("unexpected argument " + sys::quote(arguments.positional()[command.positionals]),
                ErrorKind::usage);
  if (!arguments.positional().empty()) request.id = arguments.positional().front();
  request.config_directory = arguments.value_or("config-dir", "/etc/cni/net.d");
  request.state_directory = arguments.value_or("state-dir", "/run/ocx-cni");
  request.plugin_path = arguments.value_or("plugin-dir", "/usr/lib/cni:/opt/cni/bin");
  request.interface = arguments.value_or("ifname", "eth0");
  request.arguments = arguments.value_or("args", "");
  request.networks = arguments.values("network");
  request.capabilities = capabilities_of(arguments);
  return request;
}

std::string help() {
  return R"(ocx-cni puts containers into networks by CNI plug-ins, the programs that container engines use for it.

Usage: ocx-cni add [options]
       ocx-cni check [options] [ID]
       ocx-cni del [options] [ID]
       ocx-cni list [options]

add and del are hooks of config.json. They read the container's state from standard input, as hooks do:

  "linux": { "namespaces": [ { "type": "network" }, ... ] },
  "hooks": {
    "createRuntime": [ { "path": "/usr/sbin/ocx-cni", "args": ["ocx-cni", "add"] } ],
    "poststop":      [ { "path": "/usr/sbin/ocx-cni", "args": ["ocx-cni", "del"] } ]
  }

add runs each plug-in of the first network of /etc/cni/net.d, or of those that --network names, and keeps what
they answer. When one fails, add undoes what the others did, and the container does not come to be.
del runs the same plug-ins in reverse order, as often as you like: for a container without networks it does nothing.
check asks the plug-ins whether all is still as they made it. list prints who has which address.

Example:
  ocx state box | ocx-cni add --network lan --port 8080:80

Options of add:
      --config-dir DIR        where the networks are described, one in a file *.conflist, *.conf or *.json;
                              below the bundle when it is no absolute path (default: /etc/cni/net.d)
      --network NAME          a network of there, by the name in its file; may be repeated (default: the
                              first by the files' order)
      --ifname NAME           the container's interface in the first network; those of the others count up
                              from it (default: eth0)
  -p, --port PORTS            [ADDRESS:]HOST:CONTAINER[/PROTOCOL]: a port of the host leads to one of the
                              container; may be repeated. Needs a plug-in with the capability portMappings
      --capability NAME=JSON  any other thing for plug-ins that declare to take it: ips=["10.1.0.9/24"],
                              mac="02:00:00:00:00:01", bandwidth={...}; may be repeated
      --args K=V;...          CNI_ARGS: words for the plug-ins, as each documents them
      --plugin-dir DIRS       where the plug-ins are, separated by colons (default:
                              /usr/lib/cni:/opt/cni/bin)

Options of all:
      --state-dir DIR         where add leaves what the others need (default: /run/ocx-cni)
  -h, --help                  print this help and exit

Exit codes: 0 done, 1 any error; what happened is one line on standard error.
)";
}

}  // namespace ocx::cni
