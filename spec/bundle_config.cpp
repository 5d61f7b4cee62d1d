#include "spec/bundle_config.hpp"

#include <nlohmann/json.hpp>

#include <utility>

#include "spec/parse.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

using Json = nlohmann::ordered_json;

/// What programs of images are written for, and no more: those of podman.
constexpr const char* capabilities[] = {"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
                                        "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",   "CAP_SETGID",
                                        "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

std::string name_of(const std::string& variable) {
  const std::size_t equals = variable.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw Error("environment variable " + sys::quote(variable) + " is not NAME=VALUE");
  return variable.substr(0, equals);
}

void set_variable(std::vector<std::string>& env, const std::string& variable) {
  const std::string start = name_of(variable) + "=";
  for (std::string& known : env)
    if (known.starts_with(start)) {
      known = variable;
      return;
    }
  env.push_back(variable);
}

Json environment(const Json& defaults, const ImageConfig& image, const BundleSettings& settings) {
  std::vector<std::string> env;
  for (const std::string& variable : defaults.get<std::vector<std::string>>())
    // Without a terminal TERM means nothing.
    if (settings.terminal || !variable.starts_with("TERM=")) env.push_back(variable);
  for (const auto* list : {&image.env, &settings.env})
    for (const std::string& variable : *list) set_variable(env, variable);
  return env;
}

Json arguments(const ImageConfig& image, const BundleSettings& settings) {
  std::vector<std::string> words = settings.entrypoint.value_or(image.entrypoint);
  const bool own = settings.command.empty() && !settings.entrypoint;
  for (const std::string& word : own ? image.cmd : settings.command) words.push_back(word);
  if (words.empty())
    throw Error("the image names no program").hint("name one: ocx bundle SOURCE BUNDLE -- COMMAND ARGUMENT…");
  return words;
}

Json user(const UserIds& ids) {
  Json object = {{"uid", ids.uid}, {"gid", ids.gid}};
  if (!ids.additional_gids.empty()) object["additionalGids"] = ids.additional_gids;
  return object;
}

/// Only root has capabilities from the begin; for others they are what a setuid program could get.
Json capability_sets(bool is_root) {
  Json sets = {{"bounding", capabilities}};
  if (is_root) sets["effective"] = sets["permitted"] = capabilities;
  return sets;
}

void add_if_any(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[std::string("org.opencontainers.image.") + key] = value;
}

/// conversion.md, "Annotation fields". Labels come last: what they say explicitly wins.
Json annotations(const ImageConfig& image) {
  Json object = Json::object();
  add_if_any(object, "os", image.platform.os);
  add_if_any(object, "architecture", image.platform.architecture);
  add_if_any(object, "variant", image.platform.variant);
  add_if_any(object, "os.version", image.os_version);
  add_if_any(object, "os.features", sys::join(image.os_features, ","));
  add_if_any(object, "author", image.author);
  add_if_any(object, "created", image.created);
  add_if_any(object, "stopSignal", image.stop_signal);
  add_if_any(object, "exposedPorts", sys::join(image.exposed_ports, ","));
  for (const auto& [key, value] : image.labels)
    if (!key.empty()) object[key] = value;
  return object;
}

Json overlay_mount(const OverlayRoot& root) {
  Json options = {"lowerdir=" + root.lower, "upperdir=" + root.upper, "workdir=" + root.work};
  // overlayfs.rst: trusted.* attributes are not for user namespaces.
  if (root.in_user_namespace) options.push_back("userxattr");
  return {{"destination", "/"}, {"type", "overlay"}, {"source", "overlay"}, {"options", std::move(options)}};
}

Json mounts(const Json& defaults, const BundleSettings& settings) {
  Json list = Json::array();
  if (settings.overlay) list.push_back(overlay_mount(*settings.overlay));
  for (const Json& mount : defaults) list.push_back(mount);
  for (const BundleVolume& volume : settings.volumes)
    list.push_back({{"destination", volume.destination},
                    {"type", "bind"},
                    {"source", volume.source},
                    {"options", {"rbind", "rw"}}});
  return list;
}

void set_process(Json& process, const ImageConfig& image, const BundleSettings& settings) {
  process["terminal"] = settings.terminal;
  process["user"] = user(settings.user);
  process["args"] = arguments(image, settings);
  process["env"] = environment(process["env"], image, settings);
  if (!image.working_dir.empty())
    process["cwd"] = image.working_dir.front() == '/' ? image.working_dir : "/" + image.working_dir;
  process["capabilities"] = capability_sets(settings.user.uid == 0);
}

/// A namespace of one id has root alone. Without one in the document ocx makes one with all ids the caller
/// has.
void remove_user_namespace(Json& linux) {
  linux.erase("uidMappings");
  linux.erase("gidMappings");
  Json kept = Json::array();
  for (const Json& space : linux["namespaces"])
    if (space["type"] != "user") kept.push_back(space);
  linux["namespaces"] = std::move(kept);
}

void validate(const std::string& document) {
  Warnings warnings;
  parse_config(document, warnings);
}

}  // namespace

std::string write_bundle_config(const ImageConfig& image, const BundleSettings& settings) {
  Json document = Json::parse(write_template(settings.host));
  set_process(document["process"], image, settings);
  document["root"]["readonly"] = false;
  if (!settings.hostname.empty()) document["hostname"] = settings.hostname;
  document["mounts"] = mounts(document["mounts"], settings);
  const bool only_root = settings.user.uid == 0 && settings.user.gid == 0;
  if (settings.host.rootless && !only_root) remove_user_namespace(document["linux"]);
  Json notes = annotations(image);
  if (!notes.empty()) document["annotations"] = std::move(notes);
  try {
    std::string text = document.dump(1, '\t') + "\n";
    validate(text);
    return text;
  } catch (const Json::exception&) {
    throw Error("what config.json is made of is no valid UTF-8");
  }
}

}  // namespace ocx::spec
