#include "spec/image.hpp"

#include <algorithm>
#include <utility>

#include "spec/json_reader.hpp"
#include "sys/error.hpp"
#include "sys/text.hpp"

namespace ocx::spec {
namespace {

constexpr std::pair<std::string_view, Document> media_types[] = {
    {"application/vnd.oci.image.index.v1+json", Document::index},
    {"application/vnd.docker.distribution.manifest.list.v2+json", Document::index},
    {"application/vnd.oci.image.manifest.v1+json", Document::manifest},
    {"application/vnd.docker.distribution.manifest.v2+json", Document::manifest},
    {"application/vnd.oci.image.config.v1+json", Document::config},
    {"application/vnd.docker.container.image.v1+json", Document::config},
    {"application/vnd.oci.image.layer.v1.tar", Document::layer},
    {"application/vnd.oci.image.layer.v1.tar+gzip", Document::layer},
    {"application/vnd.oci.image.layer.v1.tar+zstd", Document::layer},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", Document::layer},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Document::layer},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Document::layer},
    {"application/vnd.docker.image.rootfs.diff.tar", Document::layer},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", Document::layer},
    {"application/vnd.docker.image.rootfs.diff.tar.zstd", Document::layer},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Document::layer},
};

/// More of anything in one document than an image can have is an attack.
constexpr std::size_t most_layers = 1000;

Digest digest(const Json& value) {
  const std::optional<Digest> parsed = parse_digest(value.string());
  if (!parsed)
    throw value.error(sys::quote(value.string()) +
                      " is no digest: sha256: or sha512: and 64 or 128 of 0-9, a-f");
  return *parsed;
}

Platform platform(const Json& object) {
  Platform result;
  object["os"].read(result.os);
  object["architecture"].read(result.architecture);
  object["variant"].read(result.variant);
  return result;
}

Descriptor descriptor(const Json& object) {
  Descriptor result;
  object["mediaType"].read(result.media_type);
  result.digest = digest(object.need("digest"));
  result.size = object.need("size").unsigned_integer(INT64_MAX);
  object["annotations"].read(result.annotations);
  if (object["platform"].present()) result.platform = platform(object["platform"]);
  return result;
}

/// What says that it is one thing and is read as another lets two readers see two images.
void check_is(const Json& root, Document wanted, std::initializer_list<std::string_view> of_others) {
  std::uint64_t version = 2;
  root["schemaVersion"].read(version);
  if (version != 2) throw root["schemaVersion"].error("only version 2 is known");
  const Json type = root["mediaType"];
  if (type.present() && document_of(type.string()) != wanted)
    throw type.error("the document says that it is " + sys::quote(type.string()) +
                     ", and was announced as something else");
  for (const std::string_view name : of_others)
    if (root[name].present()) throw root[name].error("a document that has this, too, has two meanings");
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> names;
  for (const Json& member : object.members()) names.push_back(member.key());
  std::sort(names.begin(), names.end());
  return names;
}

void read_process(const Json& config, ImageConfig& result) {
  config["User"].read(result.user);
  config["Env"].read(result.env);
  config["Entrypoint"].read(result.entrypoint);
  config["Cmd"].read(result.cmd);
  config["WorkingDir"].read(result.working_dir);
  config["StopSignal"].read(result.stop_signal);
  config["Labels"].read(result.labels);
  result.exposed_ports = keys(config["ExposedPorts"]);
  result.volumes = keys(config["Volumes"]);
}

template <class Call>
auto in_document(const char* name, Call call) {
  try {
    return call();
  } catch (Error& error) {
    throw error.in(name);
  }
}

}  // namespace

std::optional<Document> document_of(std::string_view media_type) {
  for (const auto& [name, document] : media_types)
    if (media_type == name) return document;
  return std::nullopt;
}

std::string Platform::text() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Platform parse_platform(std::string_view text) {
  const std::vector<std::string> parts = sys::split(text, '/');
  const bool complete =
      std::none_of(parts.begin(), parts.end(), [](const auto& part) { return part.empty(); });
  if (parts.size() < 2 || parts.size() > 3 || !complete)
    throw Error(
        "invalid platform " + sys::quote(text) + ": use OS/ARCHITECTURE[/VARIANT], linux/arm64 for one",
        ErrorKind::usage);
  return {parts[0], parts[1], parts.size() == 3 ? parts[2] : ""};
}

Platform platform_of(std::string_view machine) {
  constexpr std::pair<std::string_view, std::string_view> architectures[] = {
      {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"i686", "386"},      {"i586", "386"},
      {"i386", "386"},     {"ppc64", "ppc64"},   {"mips64", "mips64"}, {"loongarch64", "loong64"}};
  if (machine.starts_with("armv") && machine.size() > 4)
    return {"linux", "arm", std::string(machine.substr(3, 2))};
  for (const auto& [name, architecture] : architectures)
    if (machine == name) return {"linux", std::string(architecture), ""};
  return {"linux", std::string(machine), ""};  // ppc64le, riscv64, s390x
}

bool fits(const Platform& wanted, const Platform& offered) {
  return wanted.os == offered.os && wanted.architecture == offered.architecture &&
         (wanted.variant.empty() || offered.variant.empty() || wanted.variant == offered.variant);
}

void check_layout(std::string_view text) {
  in_document("oci-layout", [text] {
    const JsonDocument document(text);
    const Json version = document.root().need("imageLayoutVersion");
    if (!version.string().starts_with("1."))
      throw version.error("version " + sys::quote(version.string()) + " is not known");
  });
}

std::vector<Descriptor> parse_image_index(std::string_view text) {
  return in_document("image index", [text] {
    const JsonDocument document(text);
    const Json root = document.root();
    check_is(root, Document::index, {"config", "layers", "fsLayers"});
    std::vector<Descriptor> manifests;
    for (const Json& entry : root.need("manifests").elements()) manifests.push_back(descriptor(entry));
    return manifests;
  });
}

ImageManifest parse_image_manifest(std::string_view text) {
  return in_document("image manifest", [text] {
    const JsonDocument document(text);
    const Json root = document.root();
    check_is(root, Document::manifest, {"manifests", "fsLayers"});
    ImageManifest manifest;
    const Json config = root.need("config");
    manifest.config = descriptor(config);
    if (document_of(manifest.config.media_type) != Document::config)
      throw config["mediaType"].error("it is no image that can run: its configuration is " +
                                      sys::quote(manifest.config.media_type));
    const std::vector<Json> layers = root.need("layers").elements();
    if (layers.size() > most_layers)
      throw root["layers"].error(std::to_string(layers.size()) + " layers, more than " +
                                 std::to_string(most_layers));
    for (const Json& layer : layers) {
      manifest.layers.push_back(descriptor(layer));
      if (document_of(manifest.layers.back().media_type) != Document::layer)
        throw layer["mediaType"].error(sys::quote(manifest.layers.back().media_type) +
                                       " is no layer that ocx can unpack");
    }
    return manifest;
  });
}

ImageConfig parse_image_config(std::string_view text) {
  return in_document("image configuration", [text] {
    const JsonDocument document(text);
    const Json root = document.root();
    ImageConfig config;
    config.platform = platform(root);
    root["os.version"].read(config.os_version);
    root["os.features"].read(config.os_features);
    root["author"].read(config.author);
    root["created"].read(config.created);
    if (root["config"].present()) read_process(root["config"], config);
    const Json rootfs = root.need("rootfs");
    if (rootfs.need("type").string() != "layers") throw rootfs["type"].error("must be \"layers\"");
    for (const Json& id : rootfs["diff_ids"].elements()) config.diff_ids.push_back(digest(id));
    return config;
  });
}

std::vector<DockerImage> parse_docker_manifest(std::string_view text) {
  return in_document("manifest.json", [text] {
    const JsonDocument document(text);
    std::vector<DockerImage> images;
    for (const Json& entry : document.root().elements()) {
      DockerImage image;
      image.config = entry.need("Config").string();
      entry["RepoTags"].read(image.repo_tags);
      entry["Layers"].read(image.layers);
      if (image.layers.size() > most_layers) throw entry["Layers"].error("too many layers");
      images.push_back(std::move(image));
    }
    return images;
  });
}

}  // namespace ocx::spec
