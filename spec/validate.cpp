#include "spec/validate.hpp"

#include "spec/json_reader.hpp"
#include "spec/names.hpp"
#include "spec/validate_parts.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

// __NEW_UTS_LEN of the kernel.
constexpr std::size_t longest_host_name = 64;

void check_host_name(const std::optional<std::string>& name, std::string_view origin) {
  if (name && name->size() > longest_host_name)
    throw broken(sys::quote(*name) + " is longer than the 64 bytes that Linux takes", origin);
}

void validate_hook(const Hook& hook, const std::string& base) {
  check_absolute(hook.path, "a hook's path", pointer(base, {"path"}));
  if (hook.env) check_environment(*hook.env, pointer(base, {"env"}));
  if (hook.timeout && *hook.timeout <= 0)
    throw broken("the timeout has to be more than 0 seconds", pointer(base, {"timeout"}))
        .hint("leave it out for no limit");
}

void validate_hooks(const Hooks& hooks) {
  for (const auto& kind : hook_kinds) {
    const std::vector<Hook>& list = hooks.*kind.value;
    for (std::size_t i = 0; i < list.size(); ++i)
      validate_hook(list[i], pointer(pointer("/hooks", {kind.name}), i));
  }
}

// config.md, "Annotations": keys "MUST NOT be an empty string"; stopSignal is image-spec's, and ocx does not
// act on it.
void validate_annotations(const std::map<std::string, std::string>& annotations, Warnings& warnings) {
  for (const auto& [key, value] : annotations) {
    if (key.empty()) throw broken("an annotation has an empty name", "/annotations/");
    if (key == "org.opencontainers.image.stopSignal" && !parse_signal(value))
      warnings.push_back("unknown signal " + sys::quote(value) + " (" + pointer("/annotations", {key}) +
                         "), ignoring");
  }
}

}  // namespace

void validate(const Config& config, Warnings& warnings) {
  check_host_name(config.hostname, "/hostname");
  check_host_name(config.domainname, "/domainname");
  validate_annotations(config.annotations, warnings);
  if (config.process) validate_process(*config.process, "/process", warnings);
  validate_namespaces(config);
  validate_mounts(config, warnings);
  validate_hooks(config.hooks);
  validate_linux(config.linux, warnings);
}

Error broken(std::string message, std::string_view origin) {
  return Error(std::move(message), ErrorKind::invalid_config).at(origin);
}

std::string pointer(std::string_view base, std::initializer_list<std::string_view> tokens) {
  std::string result(base);
  for (const std::string_view token : tokens) result += '/' + pointer_token(token);
  return result;
}

std::string pointer(std::string_view base, std::size_t index) {
  return std::string(base) + '/' + std::to_string(index);
}

bool is_number_list(std::string_view text) {
  constexpr std::uint64_t highest = 65535;
  for (const std::string& range : sys::split(text, ',')) {
    const std::size_t dash = range.find('-');
    const auto first = sys::parse_uint(std::string_view(range).substr(0, dash));
    const auto last = dash == std::string::npos ? first : sys::parse_uint(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last > highest) return false;
  }
  return !text.empty();
}

bool is_interface_name(std::string_view name) {
  if (name.empty() || name.size() > 15 || name == "." || name == "..") return false;
  return name.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
}

void check_environment(const std::vector<std::string>& env, std::string_view base) {
  for (std::size_t i = 0; i < env.size(); ++i)
    if (env[i].find('=') == std::string::npos)
      throw broken("environment entry " + sys::quote(env[i]) + " has no \"=\"", pointer(base, i))
          .hint("write " + sys::quote(env[i] + "=") + " for an empty value");
}

void check_absolute(std::string_view path, std::string_view what, std::string_view origin) {
  if (path.starts_with('/')) return;
  throw broken(std::string(what) + " has to be absolute, not " + sys::quote(path), origin)
      .hint("use " + sys::quote('/' + std::string(path)));
}

}  // namespace ocx::spec
