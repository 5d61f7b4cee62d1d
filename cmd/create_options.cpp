#include "cmd/create_options.hpp"

#include <algorithm>
#include <utility>

#include "cmd/globals.hpp"
#include "sys/error.hpp"

namespace ocx::cmd {

std::string bundle_path(const Arguments& arguments) {
  const std::string bundle = arguments.value_or("bundle", "");
  return absolute_path(bundle.empty() ? "." : bundle);
}

runtime::CreateRequest bundle_request(const Arguments& arguments) {
  return std::move(bundle_requests(arguments).front());
}

std::vector<runtime::CreateRequest> bundle_requests(const Arguments& arguments) {
  const auto& words = arguments.positional();
  if (!words.empty() && arguments.value("bundle"))
    throw Error("the bundle is given twice: by --bundle and as an argument", ErrorKind::usage);
  std::vector<runtime::CreateRequest> requests(std::max<std::size_t>(words.size(), 1));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].id = "ID";
    requests[i].bundle = words.empty() ? bundle_path(arguments) : absolute_path(words[i]);
    requests[i].config_file = arguments.value_or("config", requests[i].config_file);
  }
  return requests;
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
