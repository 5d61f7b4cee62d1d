#include "cmd/ocx-cni/plugin.hpp"

#include <algorithm>

#include "sys/error.hpp"
#include "sys/file.hpp"
#include "sys/spawn.hpp"
#include "sys/text.hpp"

namespace ocx::cni {
namespace {

constexpr const char* usual_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// A plug-in writes what it likes; an error of ours is one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (char byte : text)
    if (const bool blank = static_cast<unsigned char>(byte) <= ' ';
        !blank || (!line.empty() && line.back() != ' '))
      line += blank ? ' ' : byte;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// Section 5, "Error".
const char* code_name(std::int64_t code) {
  switch (code) {
    case 1:
      return "incompatible CNI version";
    case 2:
      return "unsupported field in network configuration";
    case 3:
      return "container unknown or does not exist";
    case 4:
      return "invalid environment variables";
    case 5:
      return "I/O failure";
    case 6:
      return "failed to decode content";
    case 7:
      return "invalid network configuration";
    case 11:
      return "try again later";
    default:
      return nullptr;
  }
}

std::string described_code(const json& code) {
  if (!code.is_number_integer()) return {};
  const auto number = code.get<std::int64_t>();
  const char* name = code_name(number);
  return " (code " + std::to_string(number) + (name == nullptr ? "" : std::string(", ") + name) + ")";
}

std::string ending(const sys::ExitStatus& status) {
  return status.signal != 0 ? "signal " + std::to_string(status.signal) + " ended it"
                            : "exit status " + std::to_string(status.code);
}

std::string last_line(const std::string& text) {
  const std::vector<std::string> all = sys::split(text, '\n');
  for (auto line = all.rbegin(); line != all.rend(); ++line)
    if (std::string words = one_line(*line); !words.empty()) return words;
  return {};
}

std::string failure(const sys::Captured& run) {
  const json error = json::parse(run.output, nullptr, false);
  const auto member = [&](const char* name) {
    return error.is_object() && error.contains(name) && error[name].is_string()
               ? one_line(error[name].get<std::string>())
               : std::string();
  };
  const std::string message = member("msg"), details = member("details");
  if (!message.empty())
    return message + (details.empty() ? "" : ": " + details) + described_code(error.value("code", json()));
  const std::string said = last_line(run.error_output);
  return ending(run.status) + ", without a CNI error" + (said.empty() ? "" : ": " + said);
}

// Its standard error is for whoever reads the log of the hook.
void pass_on(const std::string& text) {
  if (text.empty()) return;
  sys::write_all(sys::standard_error, text);
  if (text.back() != '\n') sys::write_all(sys::standard_error, "\n");
}

sys::Captured run_with_input(const sys::Program& program, const std::string& input) {
  const sys::UniqueFd request = sys::output_file(), output = sys::output_file(), errors = sys::output_file();
  sys::write_all(request, input);
  // Opened again, so that it is read from the start.
  const sys::UniqueFd reading = sys::openat(sys::FdRef::cwd(), sys::descriptor_path(request), O_RDONLY);
  const sys::Spawned child = sys::spawn(program, reading, output, errors);
  if (child.error_number != 0)
    throw Error::from_errno("execve " + sys::quote(program.path), child.error_number);
  sys::Captured run;
  run.status = sys::wait_for_child(child.pidfd);
  run.output = sys::output_of(output);
  run.error_output = sys::output_of(errors);
  return run;
}

}  // namespace

std::vector<std::string> plugin_environment(std::vector<std::string> inherited, const Sandbox& sandbox,
                                            std::string_view command, const std::string& interface) {
  const auto begins = [](std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
  };
  std::erase_if(inherited, [&](const std::string& variable) { return begins(variable, "CNI_"); });
  if (std::none_of(inherited.begin(), inherited.end(),
                   [&](const std::string& variable) { return begins(variable, "PATH="); }))
    inherited.emplace_back(usual_path);
  inherited.push_back("CNI_COMMAND=" + std::string(command));
  inherited.push_back("CNI_CONTAINERID=" + sandbox.container);
  inherited.push_back("CNI_NETNS=" + sandbox.network_namespace);
  inherited.push_back("CNI_IFNAME=" + interface);
  inherited.push_back("CNI_ARGS=" + sandbox.arguments);
  inherited.push_back("CNI_PATH=" + sandbox.plugin_path);
  return inherited;
}

std::string find_plugin(const std::string& type, const std::string& plugin_path) {
  for (const std::string& directory : sys::split(plugin_path, ':')) {
    if (directory.empty()) continue;
    const std::string path = directory + "/" + type;
    const auto found = sys::fstatat(sys::FdRef::cwd(), path);
    if (found && S_ISREG(found->st_mode) && (found->st_mode & 0111U) != 0) return path;
  }
  throw Error("no plug-in " + sys::quote(type) + " in " + plugin_path, ErrorKind::does_not_exist)
      .hint(
          "Debian has the usual ones in the package containernetworking-plugins; --plugin-dir names another "
          "place");
}

json plugin_result(const sys::Captured& run, std::string_view command, const std::string& version) {
  if (run.status.shell_status() != 0) throw Error(failure(run));
  if (command != "ADD") return nullptr;
  json result = parse_object(run.output, "its result");
  const std::string spoken = text_member(result, "cniVersion");
  if (!spoken.empty() && spoken != version)
    throw Error("its result is of cniVersion " + sys::quote(spoken) + ", the network of " + version);
  result["cniVersion"] = version;
  return result;
}

json run_plugin(const std::string& type, const json& request, const Sandbox& sandbox,
                std::string_view command, const std::string& interface) {
  const std::string context = std::string(command) + " by plug-in " + sys::quote(type);
  try {
    const std::string path = find_plugin(type, sandbox.plugin_path);
    const sys::Captured run = run_with_input(
        {path, {path}, plugin_environment(sys::own_environment(), sandbox, command, interface), {}},
        request.dump());
    pass_on(run.error_output);
    return plugin_result(run, command, text_member(request, "cniVersion"));
  } catch (Error& error) {
    error.in(context);
    throw;
  }
}

}  // namespace ocx::cni
