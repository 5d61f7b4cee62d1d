#include "cmd/create_options.hpp"

#include "cmd/globals.hpp"

namespace ocx::cmd {

std::string bundle_path(const Arguments& arguments) {
  const std::string bundle = arguments.value_or("bundle", "");
  return absolute_path(bundle.empty() ? "." : bundle);
}

runtime::CreateRequest create_request(const Arguments& arguments) {
  const auto path = [&arguments](const char* option) {
    return absolute_path(arguments.value_or(option, ""));
  };
  runtime::CreateRequest request;
  if (!arguments.positional().empty()) request.id = arguments.positional().front();
  request.bundle = bundle_path(arguments);
  request.config_file = arguments.value_or("config", "config.json");
  request.console_socket = path("console-socket");
  request.pidfd_socket = path("pidfd-socket");
  request.pid_file = path("pid-file");
  request.no_pivot = arguments.flag("no-pivot");
  request.no_new_keyring = arguments.flag("no-new-keyring");
  request.preserve_fds = count_value("preserve-fds", arguments.value_or("preserve-fds", "0"));
  return request;
}

}  // namespace ocx::cmd
