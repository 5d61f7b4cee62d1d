#include "spec/parse.hpp"

#include "spec/exec_document.hpp"
#include "spec/parse_parts.hpp"
#include "spec/validate.hpp"
#include "sys/text.hpp"

namespace ocx::spec {

Config::Config() = default;
Config::~Config() = default;
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;

namespace {

Root read_root(const Json& json) {
  Root root;
  const Json path = json.need("path");
  path.read(root.path);
  if (root.path.empty())
    throw path.error("the path is empty").hint("name the directory, relative to the bundle: \"rootfs\"");
  json["readonly"].read(root.readonly);
  return root;
}

Mount read_mount(const Json& json) {
  Mount mount;
  json.need("destination").read(mount.destination);
  json["type"].read(mount.type);
  json["source"].read(mount.source);
  json["options"].read(mount.options);
  mount.uid_mappings = read_id_mappings(json["uidMappings"]);
  mount.gid_mappings = read_id_mappings(json["gidMappings"]);
  return mount;
}

// Objects of other platforms (solaris, windows, zos, freebsd) are unknown properties here; a `vm` object is
// worth a word, because whoever wrote it expects a stronger boundary.
void warn_of_vm(const Json& config, Warnings& warnings) {
  if (config["vm"].present()) warnings.push_back("ocx runs no virtual machines (/vm), ignoring");
}

Config read_config(const Json& json, Warnings& warnings) {
  Config config;
  const Json version = json.need("ociVersion");
  check_version(version, warnings);
  version.read(config.oci_version);
  config.root = read_root(json.need("root"));
  for (const Json& mount : json["mounts"].elements()) config.mounts.push_back(read_mount(mount));
  if (const Json process = json["process"]; process.present())
    config.process = read_process(process, warnings);
  config.hostname = read_nonempty(json["hostname"]);
  config.domainname = read_nonempty(json["domainname"]);
  json["annotations"].read(config.annotations);
  if (const Json hooks = json["hooks"]; hooks.present()) config.hooks = read_hooks(hooks);
  if (const Json linux = json["linux"]; linux.present()) config.linux = read_linux(linux);
  warn_of_vm(json, warnings);
  return config;
}

}  // namespace

Config parse_config(std::string_view document, Warnings& warnings, std::string* exec_document) {
  return parse_config(JsonDocument(document), warnings, exec_document);
}

Config parse_config(const JsonDocument& json, Warnings& warnings, std::string* exec_document) {
  Config config = read_config(json.root(), warnings);
  validate(config, warnings);
  if (exec_document != nullptr) *exec_document = write_exec_document(json.root());
  return config;
}

Process parse_process(std::string_view document, Warnings& warnings) {
  const JsonDocument json(document);
  Process process = read_process(json.root(), warnings);
  validate_process(process, "", warnings);
  return process;
}

Resources parse_resources(std::string_view document, Warnings&) {
  const JsonDocument json(document);
  Resources resources = read_resources(json.root());
  validate_resources(resources, "");
  return resources;
}

Error unknown_name(const Json& json, std::string_view what, const std::vector<std::string_view>& known) {
  Error error = json.error("unknown " + std::string(what) + ' ' + sys::quote(json.string()));
  if (const std::string_view likely = closest_name(json.string(), known); !likely.empty())
    return error.hint("did you mean \"" + std::string(likely) + "\"?");
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  return error.hint("known are " + list);
}

std::optional<std::string> read_nonempty(const Json& json) {
  if (!json.present() || json.string().empty()) return std::nullopt;
  return json.string();
}

std::vector<IdMapping> read_id_mappings(const Json& mappings) {
  std::vector<IdMapping> result;
  for (const Json& json : mappings.elements()) {
    IdMapping& mapping = result.emplace_back();
    json.need("containerID").read(mapping.container_id);
    json.need("hostID").read(mapping.host_id);
    json.need("size").read(mapping.size);
  }
  return result;
}

}  // namespace ocx::spec
