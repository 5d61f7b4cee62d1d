// ocx-cni: networks by CNI plug-ins, as hooks of a container. No library of CNI exists for C++, and the
// protocol is small: https://www.cni.dev/docs/spec/.
#include <exception>
#include <string>
#include <vector>

#include "cmd/ocx-cni/commands.hpp"
#include "sys/error.hpp"
#include "sys/file.hpp"

namespace ocx::cni {
namespace {

int print(const std::string& text) {
  sys::write_all(sys::standard_output, text);
  return 0;
}

ContainerState named(const std::string& id) {
  // Through the same rules as that of a state.
  return parse_state(json{{"id", id}}.dump());
}

int run(const std::vector<std::string>& words) {
  const Request request = parse_request(words);
  if (request.command == "help") return print(help());
  if (request.command == "list") return print(list_networks(request));
  const ContainerState state =
      request.id ? named(*request.id) : parse_state(sys::read_all(sys::standard_input));
  if (request.command == "add") add_networks(request, state);
  if (request.command == "check") check_networks(request, state);
  if (request.command == "del") delete_networks(request, state);
  return 0;
}

int run_main(const std::vector<std::string>& words) {
  std::string message;
  try {
    return run(words);
  } catch (Error& error) {
    if (error.kind() == ErrorKind::usage) error.hint("see `ocx-cni --help`");
    message = error.what();
  } catch (const std::exception& error) {
    message = error.what();
  }
  sys::write_all(sys::standard_error, "ocx-cni: " + message + "\n");
  return 1;
}

}  // namespace
}  // namespace ocx::cni

int main(int argc, char** argv) {
  return ocx::cni::run_main(argc > 1 ? std::vector<std::string>(argv + 1, argv + argc)
                                     : std::vector<std::string>());
}
